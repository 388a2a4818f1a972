"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["atomic_writer", "check_output", "what_to_do"]


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that appears under its name only when the block ends well.

    The bytes go to a temporary file in the same directory, are flushed to the disk, and take the place of the
    old file in one step. After an error the old file is untouched and the temporary one is gone. Permissions
    are those that ``open`` would give; a symbolic link is followed.

    Parameters
    ----------
    path : str or path-like
        Where the file shall appear.

    Yields
    ------
    BinaryIO
        The temporary file.

    Raises
    ------
    FileNotFoundError
        If the directory is missing.
    IsADirectoryError, ValueError
        If ``path`` is there and isn't a regular file.
    """
    target = Path(os.path.realpath(os.fspath(path)))
    mode = check_output(path)
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(target.parent)


def check_output(path: str | os.PathLike[str]) -> int | None:
    """Raise early what `atomic_writer` would raise late: before minutes of work, not after.

    Parameters
    ----------
    path : str or path-like
        A file that is to be written.

    Returns
    -------
    int or None
        The permissions of the file that is there and will be replaced, ``None`` where there is none.

    Raises
    ------
    FileNotFoundError, PermissionError
        If the directory is missing, or closed to us.
    IsADirectoryError, ValueError
        If ``path`` is there and isn't a regular file.
    """
    target = Path(os.path.realpath(os.fspath(path)))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no directory {str(target.parent)!r}; make it first.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"No permission to write to {str(target.parent)!r}; choose another place.")
    if not target.exists():
        return None
    mode = target.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a directory; name a file in it.")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{os.fspath(path)!r} is not a regular file and can't be replaced in one step.")
    return stat.S_IMODE(mode)


def what_to_do(error: Exception) -> str:
    """The message of an error, with advice where the system's own words about a file have none."""
    name = getattr(error, "filename", None)
    if name is None:
        return str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return f"there is no file {str(name)!r}; check the path."
    if isinstance(error, IsADirectoryError):
        return f"{str(name)!r} is a directory; name a file in it."
    if isinstance(error, PermissionError):
        return f"no permission for {str(name)!r}; choose another place, or change its permissions."
    return f"{str(name)!r}: {error.strerror if isinstance(error, OSError) else error}."


def _sync_directory(directory: Path) -> None:
    """Make the new name survive a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
