"""Whatever happens while a file is written, its name holds the old content or the new, whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from ganaug._util.files import atomic_writer, check_output

OLD, NEW = b"old" * 1000, b"new" * 2000

posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions and signals as POSIX has them")


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    return path


def write(path, content=NEW):
    with atomic_writer(path) as handle:
        handle.write(content)


def test_new_content_replaces_the_old(target):
    write(target)
    assert target.read_bytes() == NEW
    assert os.listdir(target.parent) == ["file"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file_and_no_other(target, monkeypatch, function):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="No space left"):
        write(target)
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_in_the_block_leaves_the_old_file_and_no_other(target, error):
    def write_and_fail():
        with atomic_writer(target) as handle:
            handle.write(NEW[:100])
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["file"]


@posix_only
def test_write_that_the_system_cuts_short(target):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["file"]


@posix_only
def test_kill_leaves_a_whole_file(target):
    program = (
        "import sys; from ganaug._util.files import atomic_writer\n"
        "print('ready', flush=True)\n"
        "for _ in range(100_000):\n"
        "    for content in (b'old' * 1000, b'new' * 2000):\n"
        "        with atomic_writer(sys.argv[1]) as handle:\n"
        "            handle.write(content)\n"
    )
    for wait in (0.0, 0.02, 0.05):
        process = subprocess.Popen([sys.executable, "-c", program, str(target)], stdout=subprocess.PIPE)
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        assert target.read_bytes() in (OLD, NEW)


@posix_only
def test_permissions_are_those_of_open(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@posix_only
def test_permissions_of_the_old_file_are_kept(target):
    target.chmod(0o604)
    write(target)
    assert target.stat().st_mode & 0o777 == 0o604


@posix_only
def test_symbolic_link_is_followed(target):
    link = target.parent / "link"
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == NEW


def test_missing_directory_is_named(tmp_path):
    for function in (write, check_output):
        with pytest.raises(FileNotFoundError, match=r"none.*make it first"):
            function(tmp_path / "none" / "file")


def test_directory_is_refused(tmp_path):
    for function in (write, check_output):
        with pytest.raises(IsADirectoryError, match="is a directory"):
            function(tmp_path)


@posix_only
def test_device_is_refused_and_stays():
    with pytest.raises(ValueError, match="regular"):
        write("/dev/null")
    assert not os.path.isfile("/dev/null")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_closed_directory_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="choose another place"):
        check_output(tmp_path / "file")


def test_check_output_touches_nothing(target):
    assert check_output(target) == target.stat().st_mode & 0o7777
    assert check_output(target.parent / "other") is None
    assert os.listdir(target.parent) == ["file"]
