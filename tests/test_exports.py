"""``import ganaug`` is quick and light, and every public name is where it says."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ganaug

HEAVY = ("torch", "imblearn", "sklearn", "pandas", "numpy", "matplotlib", "narwhals")


def test_import_is_light():
    program = f"import sys, ganaug; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_import_is_quick():
    program = "from time import perf_counter as now; t = now(); import ganaug; print(now() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(3)]
    assert min(times) < 0.3


def test_all_is_sorted_and_complete():
    assert list(ganaug.__all__) == sorted(ganaug.__all__)
    assert {*ganaug._HOMES, *ganaug._MODULES, "__version__"} == set(ganaug.__all__)
    assert set(ganaug.__all__) <= set(dir(ganaug))


@pytest.mark.parametrize("name", ganaug.__all__)
def test_every_name_resolves(name):
    assert getattr(ganaug, name) is not None


@pytest.mark.parametrize("name", sorted(ganaug._HOMES))
def test_every_name_is_exported_by_its_home(name):
    home = sys.modules[ganaug._HOMES[name]] if getattr(ganaug, name) else None
    assert name in getattr(home, "__all__", [name])


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'GANSynthesiser'"):
        ganaug.GANSynthesiser  # noqa: B018


def test_version_is_that_of_the_installed_package():
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("ganaug")
    except PackageNotFoundError:
        pytest.skip("runs from the source tree, not installed")
    assert installed == ganaug.__version__
