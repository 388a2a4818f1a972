"""Arrays and a JSON header in one file, written whole or not at all, and read without running any code.

The container is safetensors (https://github.com/huggingface/safetensors): eight bytes of length, a JSON
index, then the raw arrays. The header travels as one string in the index's metadata.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ganaug._util.files import atomic_writer
from ganaug.exceptions import ModelFileError

__all__ = [
    "FORMAT_VERSION",
    "Arrays",
    "Header",
    "array_of",
    "arrays_under",
    "header_bool",
    "header_dict",
    "header_float",
    "header_int",
    "header_list",
    "header_str",
    "load_file",
    "save_file",
]

FORMAT = "ganaug"
FORMAT_VERSION = 1

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}


def save_file(
    path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a header and arrays to one file; on any failure the file that was there stays whole.

    Parameters
    ----------
    path : str or path-like
        Where to write. Its directory must exist.
    header : mapping
        Anything that JSON can hold. The keys ``"format"`` and ``"format_version"`` are set here.
    arrays : mapping of str to ndarray of any shape
        Float, integer and bool arrays.

    Raises
    ------
    TypeError
        If JSON can't hold the header, or the format an array's dtype.
    OSError
        If the file can't be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.ganaug"
    >>> save_file(path, {"columns": ["age"]}, {"weights": np.arange(3.0)})
    >>> header, arrays = load_file(path)
    >>> header["columns"], arrays["weights"]
    (['age'], array([0., 1., 2.]))
    """
    text = json.dumps({**header, "format": FORMAT, "format_version": FORMAT_VERSION})
    ready = {name: _storable(name, array) for name, array in arrays.items()}
    payload = safetensors.numpy.save(ready, metadata={FORMAT: text})
    with atomic_writer(path) as handle:
        handle.write(payload)


def load_file(path: str | os.PathLike[str]) -> tuple[Header, Arrays]:
    """Read what `save_file` wrote; memory is bounded by a small multiple of the file's size.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    header : dict
        With ``"format"`` and ``"format_version"`` in it.
    arrays : dict of str to ndarray
        Writeable, in native byte order.

    Raises
    ------
    ModelFileError
        If the file is cut, broken, hostile, of another format or of a newer version.
    FileNotFoundError
        If there is no such file.
    """
    data = _read_regular(path)
    try:
        parts = safetensors.deserialize(data)
        header = _header_of(data)
        arrays = {name: _array_from(part) for name, part in parts}
    except ModelFileError:
        raise
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(
            f"{os.fspath(path)!r} is not a whole ganaug file; save or copy it again. What is wrong: {reason}"
        ) from error
    _check_version(header, path)
    return header, arrays


def header_int(
    header: Mapping[str, Any], key: str, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Take an integer within ``[minimum, maximum]`` from a header, or raise `ModelFileError`."""
    value = _checked(header, key, lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer")
    _check_range(key, value, minimum, maximum)
    return int(value)


def header_float(
    header: Mapping[str, Any], key: str, *, minimum: float | None = None, maximum: float | None = None
) -> float:
    """Take a number within ``[minimum, maximum]`` from a header, or raise `ModelFileError`; NaN passes."""
    value = _checked(
        header, key, lambda v: isinstance(v, int | float) and not isinstance(v, bool), "a number"
    )
    _check_range(key, value, minimum, maximum)
    try:
        return float(value)
    except OverflowError as error:
        raise ModelFileError(f"The model file's {key!r} is out of range; the file is damaged.") from error


def header_str(header: Mapping[str, Any], key: str, *, choices: tuple[str, ...] | None = None) -> str:
    """Take a string, one of ``choices`` where given, from a header, or raise `ModelFileError`."""
    value = _checked(header, key, lambda v: isinstance(v, str), "a string")
    if choices is not None and value not in choices:
        raise ModelFileError(f"The model file's {key!r} should be one of {choices}; it is {value[:100]!r}.")
    return str(value)


def header_bool(header: Mapping[str, Any], key: str) -> bool:
    """Take true or false from a header, or raise `ModelFileError`."""
    return bool(_checked(header, key, lambda v: isinstance(v, bool), "true or false"))


def header_list(
    header: Mapping[str, Any], key: str, *, length: int | None = None, of: type | tuple[type, ...] = object
) -> list[Any]:
    """Take a list of ``length`` instances of ``of`` from a header, or raise `ModelFileError`."""
    value: list[Any] = _checked(header, key, lambda v: isinstance(v, list), "a list")
    if length is not None and len(value) != length:
        raise ModelFileError(f"The model file's {key!r} should have {length} items; it has {len(value)}.")
    if not all(isinstance(item, of) for item in value):
        raise ModelFileError(f"The model file's {key!r} holds an item of a wrong type; the file is damaged.")
    return value


def header_dict(header: Mapping[str, Any], key: str) -> Header:
    """Take an object with string keys from a header, or raise `ModelFileError`."""
    value: Header = _checked(header, key, lambda v: isinstance(v, dict), "an object")
    return value


def arrays_under(prefix: str, arrays: Arrays) -> Arrays:
    """Those whose names begin so, without that beginning."""
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def array_of(
    arrays: Mapping[str, np.ndarray],
    key: str,
    kinds: str,
    *,
    ndim: int = 1,
    length: int | None = None,
    shape: tuple[int, ...] | None = None,
    finite: bool = False,
) -> np.ndarray:
    """Take an array of a known kind and shape, or raise `ModelFileError`.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    key : str
    kinds : str
        The numpy dtype kinds that will do: ``"f"`` float, ``"i"`` signed, ``"u"`` unsigned, ``"b"`` bool.
    ndim : int, default=1
        Number of dimensions; overruled by ``shape``.
    length : int, optional
        Size of the first dimension.
    shape : tuple of int, optional
        The whole shape.
    finite : bool, default=False
        Whether NaN and infinity are refused.

    Returns
    -------
    ndarray
    """
    array = arrays.get(key)
    if not isinstance(array, np.ndarray):
        raise ModelFileError(f"The model file has no array {key!r}; the file is damaged.")
    if array.dtype.kind not in kinds:
        raise ModelFileError(
            f"The model file's array {key!r} should be of kind {kinds}; it is {array.dtype}."
        )
    if not _has_shape(array.shape, ndim, length, shape):
        wanted = shape if shape is not None else (length or "any", *["any"] * (ndim - 1))
        raise ModelFileError(f"The model file's array {key!r} should have shape {wanted}; got {array.shape}.")
    if finite and not np.isfinite(array).all():
        raise ModelFileError(f"The model file's array {key!r} should be finite; the file is damaged.")
    return array


def _checked(header: Mapping[str, Any], key: str, is_right: Callable[[Any], bool], wanted: str) -> Any:
    if not isinstance(header, Mapping) or key not in header:
        raise ModelFileError(f"The model file's header lacks {key!r}; the file is damaged.")
    value = header[key]
    if not is_right(value):
        raise ModelFileError(f"The model file's {key!r} should be {wanted}; it is a {type(value).__name__}.")
    return value


def _check_range(key: str, value: float, minimum: float | None, maximum: float | None) -> None:
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        raise ModelFileError(f"The model file's {key!r} is out of its range; the file is damaged.")


def _has_shape(found: tuple[int, ...], ndim: int, length: int | None, shape: tuple[int, ...] | None) -> bool:
    if shape is not None:
        return found == shape
    return len(found) == ndim and (length is None or found[0] == length)


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    little = array.dtype.newbyteorder("<")
    if little.str not in _DTYPES.values():
        raise TypeError(
            f"Array {name!r} must hold floats, integers or bools to be stored; got {array.dtype}."
        )
    return np.asarray(array, dtype=little, order="C")


def _read_regular(path: str | os.PathLike[str]) -> bytes:
    """All bytes of a regular file; a pipe or a device would have no end."""
    info = os.stat(path)
    if not stat.S_ISREG(info.st_mode):
        raise ModelFileError(f"{os.fspath(path)!r} is not a file that ganaug saved: it isn't a regular file.")
    with open(path, "rb") as handle:
        return handle.read(info.st_size)


def _header_of(data: bytes) -> Header:
    """The JSON header inside the index that safetensors has already found to be sound."""
    length = int.from_bytes(data[:8], "little")
    index = json.loads(data[8 : 8 + length].decode("utf-8"))
    metadata = index.get("__metadata__")
    if not isinstance(metadata, dict) or not isinstance(metadata.get(FORMAT), str):
        raise ModelFileError("This is a safetensors file, but not one that ganaug saved.")
    header = json.loads(metadata[FORMAT])
    if not isinstance(header, dict):
        raise ModelFileError("The model file's header should be an object; the file is damaged.")
    return header


def _array_from(part: Mapping[str, Any]) -> np.ndarray:
    name = part["dtype"]
    if name not in _DTYPES:
        raise ValueError(f"dtype {name} is none of ganaug's")
    dtype = np.dtype(_DTYPES[name])
    flat = np.frombuffer(part["data"], dtype=np.uint8 if dtype.kind == "b" else dtype)
    if dtype.kind == "b":
        flat = flat != 0  # any other byte than 0 and 1 would be a bool of undefined behaviour
    array = flat.reshape(part["shape"]).astype(dtype.newbyteorder("="), copy=False)
    return array if array.flags.writeable else array.copy()


def _check_version(header: Header, path: str | os.PathLike[str]) -> None:
    if header.get("format") != FORMAT:
        raise ModelFileError(f"{os.fspath(path)!r} is not a ganaug file: its header doesn't say so.")
    version = header_int(header, "format_version", minimum=1)
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{os.fspath(path)!r} has format version {version}; this ganaug reads up to {FORMAT_VERSION}. "
            "Run pip install --upgrade ganaug."
        )
