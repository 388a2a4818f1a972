"""A file is written whole or not at all, and read whole or refused."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from ganaug._util import store
from ganaug._util.store import (
    FORMAT_VERSION,
    array_of,
    header_bool,
    header_dict,
    header_float,
    header_int,
    header_list,
    header_str,
    load_file,
    save_file,
)
from ganaug.exceptions import ModelFileError

HEADER = {"columns": ["age", "größe", "\N{SNOWMAN}"], "nested": {"rate": 0.005, "none": None}, "yes": True}
ARRAYS = {
    "weights": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4),
    "codes": np.arange(7, dtype=np.int8),
    "mask": np.array([True, False]),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3)),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.ganaug"
    save_file(path, HEADER, ARRAYS)
    return path


def container(text: str, arrays: dict[str, np.ndarray] | None = None) -> bytes:
    """A sound safetensors file with any text for a header."""
    return safetensors.numpy.save(arrays or {}, metadata={"ganaug": text})


def raw(index: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(index)) + index + data


def test_load_inverts_save(saved):
    header, arrays = load_file(saved)
    assert header == {**HEADER, "format": "ganaug", "format_version": FORMAT_VERSION}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_loaded_arrays_can_be_written_to(saved):
    for array in load_file(saved)[1].values():
        assert array.flags.writeable
        array[...] = 0


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f8", ">i4"]
)
def test_every_number_dtype_comes_back_in_native_order(tmp_path, dtype):
    array = np.array([[0, 1], [1, 0]], dtype=dtype)[:, ::-1]
    save_file(tmp_path / "f", {}, {"a": array})
    (loaded,) = load_file(tmp_path / "f")[1].values()
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype.newbyteorder("=")


def test_header_may_hold_nan_and_infinity(tmp_path):
    save_file(tmp_path / "f", {"nan": float("nan"), "inf": float("inf")}, {})
    header, _ = load_file(tmp_path / "f")
    assert np.isnan(header["nan"])
    assert header["inf"] == float("inf")


def test_same_content_gives_the_same_bytes(tmp_path, saved):
    save_file(tmp_path / "again", HEADER, ARRAYS)
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


# What can't be saved leaves the old file as it was


@pytest.mark.parametrize(
    ("header", "arrays", "named"),
    [
        ({"a": object()}, {}, "object"),
        ({"a": np.int64(1)}, {}, "int64"),
        ({}, {"weird": np.array(["text"])}, "weird"),
        ({}, {"weird": np.array([object()])}, "weird"),
        ({}, {"weird": np.array([1j])}, "weird"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_and_the_old_file_stays(saved, header, arrays, named):
    before = saved.read_bytes()
    with pytest.raises(TypeError, match=named):
        save_file(saved, header, arrays)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


# What is broken is refused


def test_every_mutated_file_is_refused_or_read_whole(saved, tmp_path):
    sound = saved.read_bytes()
    rng = np.random.default_rng(0)
    target = tmp_path / "mutated"
    n_refused = 0
    for _ in range(600):
        target.write_bytes(mutated(sound, rng))
        try:
            header, arrays = load_file(target)
        except ModelFileError:
            n_refused += 1
        else:
            assert header["format"] == "ganaug"
            assert all(isinstance(array, np.ndarray) for array in arrays.values())
    assert n_refused > 200


def mutated(sound: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(sound)
    place = int(rng.integers(len(data)))
    match int(rng.integers(5)):
        case 0:
            data[place] ^= 1 << int(rng.integers(8))
        case 1:
            del data[place:]
        case 2:
            data[place:place] = rng.bytes(int(rng.integers(1, 9)))
        case 3:
            del data[place : place + int(rng.integers(1, 9))]
        case _:
            data[place : place + 4] = rng.bytes(4)
    return bytes(data)


@settings(deadline=None)  # other programs may have the processor
@given(st.binary(max_size=200))
def test_noise_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(data)
    with pytest.raises(ModelFileError):
        load_file(path)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 8 + b"{}", id="index of 2**64 bytes"),
        pytest.param(raw(b"{}"), id="no metadata"),
        pytest.param(raw(b"[]"), id="index is a list"),
        pytest.param(raw(b"[" * 50_000), id="deep index"),
        pytest.param(container("{"), id="cut header"),
        pytest.param(container("3"), id="header is a number"),
        pytest.param(container("{}"), id="header without a format"),
        pytest.param(container('{"format": "other", "format_version": 1}'), id="another format"),
        pytest.param(container('{"format": "ganaug"}'), id="no version"),
        pytest.param(container('{"format": "ganaug", "format_version": "1"}'), id="version is a string"),
        pytest.param(container('{"format": "ganaug", "format_version": 0}'), id="version 0"),
        pytest.param(container('{"format": "ganaug", "format_version": true}'), id="version is a bool"),
        pytest.param(container('{"a": ' + "[" * 100_000), id="deep header"),
        pytest.param(container('{"a": ' + "9" * 50_000 + "}"), id="long integer"),
        pytest.param(safetensors.numpy.save({}, metadata={"other": "{}"}), id="someone else's file"),
        pytest.param(
            safetensors.numpy.save({"a": np.array([1j], np.complex64)}, {"ganaug": "{}"}), id="complex"
        ),
        pytest.param(
            raw(b'{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8]}}', b"\0" * 8),
            id="huge shape",
        ),
        pytest.param(
            raw(
                b'{"a":{"dtype":"F64","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}'
            ),
            id="huge empty shape",
        ),
        pytest.param(raw(b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', b"\0\0"), id="bfloat16"),
        pytest.param(b"\x80\x04\x95" + b"pickle" * 10, id="pickle"),
        pytest.param(b"PK\x03\x04" + b"\0" * 100, id="zip"),
    ],
)
def test_hostile_file_is_refused(tmp_path, data):
    path = tmp_path / "hostile"
    path.write_bytes(data)
    with pytest.raises(ModelFileError):
        load_file(path)


def test_message_names_the_file_and_is_one_line(tmp_path):
    path = tmp_path / "broken.ganaug"
    path.write_bytes(b"\0" * 20)
    with pytest.raises(ModelFileError, match=r"broken\.ganaug.*is not a whole ganaug file") as caught:
        load_file(path)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_newer_version_is_refused_with_advice(tmp_path):
    path = tmp_path / "newer"
    path.write_bytes(container(json.dumps({"format": "ganaug", "format_version": FORMAT_VERSION + 1})))
    with pytest.raises(ModelFileError, match="pip install --upgrade ganaug"):
        load_file(path)


def test_bytes_other_than_0_and_1_become_proper_bools(tmp_path):
    data = bytearray(
        container('{"format": "ganaug", "format_version": 1}', {"mask": np.array([True, False])})
    )
    data[-2:] = b"\x02\x00"
    (tmp_path / "f").write_bytes(data)
    (mask,) = load_file(tmp_path / "f")[1].values()
    assert mask.view(np.uint8).tolist() == [1, 0]


def test_a_big_file_costs_a_small_multiple_of_its_size(tmp_path):
    path = tmp_path / "big"
    save_file(path, {}, {"a": np.zeros(1_000_000)})
    tracemalloc.start()
    try:
        load_file(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * path.stat().st_size
    finally:
        tracemalloc.stop()


def test_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "none")


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX")
def test_pipes_and_directories_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ModelFileError, match="regular"):
            load_file(path)


# Typed access


def test_header_values_of_the_right_type_come_back():
    header = {"i": 3, "f": 2.5, "s": "a", "b": False, "l": [1, 2], "d": {"x": 1}}
    assert header_int(header, "i", minimum=3, maximum=3) == 3
    assert header_float(header, "i") == 3.0
    assert header_float(header, "f") == 2.5
    assert header_str(header, "s", choices=("a", "b")) == "a"
    assert header_bool(header, "b") is False
    assert header_list(header, "l", length=2, of=int) == [1, 2]
    assert header_dict(header, "d") == {"x": 1}


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (header_int, True),
        (header_int, 1.0),
        (header_int, "1"),
        (lambda header, key: header_int(header, key, minimum=2), 1),
        (lambda header, key: header_int(header, key, maximum=2), 3),
        (header_float, "1.0"),
        (header_float, False),
        (header_float, 10**400),
        (lambda header, key: header_float(header, key, minimum=0.0), -1e-9),
        (header_str, None),
        (lambda header, key: header_str(header, key, choices=("a",)), "b"),
        (header_bool, 1),
        (header_list, {}),
        (lambda header, key: header_list(header, key, length=3), [1]),
        (lambda header, key: header_list(header, key, of=str), ["a", 1]),
        (header_dict, []),
    ],
)
def test_wrong_header_value_is_refused_by_name(read, value):
    with pytest.raises(ModelFileError, match="'the key'"):
        read({"the key": value}, "the key")


@pytest.mark.parametrize(
    "read", [header_int, header_float, header_str, header_bool, header_list, header_dict]
)
def test_lacking_header_value_is_refused_by_name(read):
    with pytest.raises(ModelFileError, match="lacks 'the key'"):
        read({}, "the key")


def test_array_of_the_right_kind_and_shape_comes_back():
    array = np.zeros((2, 3))
    assert array_of({"a": array}, "a", "f", ndim=2, length=2) is array
    assert array_of({"a": array}, "a", "fi", shape=(2, 3), finite=True) is array


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (None, {}),
        (np.zeros(3, dtype=int), {}),
        (np.zeros((3, 1)), {}),
        (np.array(0.0), {"length": 1}),
        (np.zeros(3), {"length": 2}),
        (np.zeros(3), {"shape": (3, 1)}),
        (np.array([1.0, np.nan]), {"finite": True}),
    ],
)
def test_wrong_array_is_refused_by_name(array, options):
    arrays = {} if array is None else {"the array": array}
    with pytest.raises(ModelFileError, match="'the array'"):
        array_of(arrays, "the array", "f", **options)


def test_exported_names_exist():
    assert all(hasattr(store, name) for name in store.__all__)
