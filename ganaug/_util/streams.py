"""Tables from files, and to files, batch after batch: whole or not at all, in the memory of one batch."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from ganaug._util.files import atomic_writer

__all__ = ["PARQUET", "check_extension", "read_table", "write_tables"]

PARQUET = (".parquet", ".pq")
_NO_PYARROW = 'Parquet files need pyarrow: pip install "ganaug[parquet]".'
Example = Callable[[Hashable], "pd.Series[Any] | None"]


def check_extension(path: str | os.PathLike[str]) -> str:
    """The format that a file's name says, ``.csv`` or one of `PARQUET`; a ValueError when it says neither."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", *PARQUET):
        raise ValueError(f"{str(path)!r}: the file's name must end in .csv or .parquet, to say its format.")
    return suffix


def read_table(path: Path) -> pd.DataFrame:
    """A whole CSV or Parquet file; whole numbers and booleans keep their kind when values are missing.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its extension or its content is of another format.
    ImportError
        If it is Parquet and pyarrow isn't installed.
    """
    suffix = check_extension(path)
    if not path.exists():
        raise FileNotFoundError(2, "No such file", str(path))
    try:
        if suffix in PARQUET:
            return pd.read_parquet(path)
        return pd.read_csv(path, low_memory=False, dtype_backend="numpy_nullable")
    except ImportError as error:
        raise ImportError(_NO_PYARROW) from error
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise ValueError(f"{str(path)!r} can't be read as {suffix[1:]}: {error}") from error


def write_tables(
    tables: Iterable[pd.DataFrame], path: str | os.PathLike[str], example: Example = lambda name: None
) -> None:
    """Write tables of the same columns and dtypes, one below the other, to a CSV or Parquet file.

    Parameters
    ----------
    tables : iterable of DataFrame
        At least one.
    path : str or path-like
        Its extension says the format.
    example : callable, optional
        Given the name of a column that has nothing but missing values in the first table, some of its
        values (None: it never has any): Parquet must know the type beforehand.
    """
    write = _write_csv if check_extension(path) == ".csv" else _write_parquet
    with atomic_writer(path) as handle:
        write(iter(tables), handle, example)


def _write_csv(tables: Iterable[pd.DataFrame], handle: BinaryIO, example: Example) -> None:
    for place, table in enumerate(tables):
        table.to_csv(handle, index=False, header=place == 0, encoding="utf-8")


def _write_parquet(tables: Iterable[pd.DataFrame], handle: BinaryIO, example: Example) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(_NO_PYARROW) from error
    rest = iter(tables)
    first = next(rest)
    schema = pa.Schema.from_pandas(first, preserve_index=False)
    for place, field in enumerate(schema):
        cells = example(first.columns[place]) if pa.types.is_null(field.type) else None
        if cells is not None:
            schema = schema.set(place, field.with_type(pa.array(cells, from_pandas=True).type))
    with parquet.ParquetWriter(handle, schema) as writer:
        for table in itertools.chain([first], rest):
            writer.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False))
