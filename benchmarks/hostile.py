"""Do hostile tables break anything?

``python -m benchmarks.hostile`` makes 1,000 tables with Hypothesis, 200 for each of pandas with numpy's,
nullable and arrow's dtypes, polars and pyarrow: every dtype mixed with gaps, constants, repeats, extreme
values, one row and odd names. It fits a synthesizer to each and draws rows. A table must give rows that keep
the contract, or an error of ganaug's own that names the column; nothing else. What came of them is written to
``benchmarks/results/hostile.json``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from benchmarks.records import environment, write_record
from ganaug import Cascade, GANSynthesizer
from ganaug._util.cells import read_ticks
from ganaug._util.frames import Container, to_frame
from ganaug.exceptions import GanaugError
from ganaug.tabular.codec import TableCodec

RESULTS = Path(__file__).resolve().parent / "results"
BACKENDS = ("pandas-numpy", "pandas-nullable", "pandas-arrow", "polars", "pyarrow")
SEED = 0
_UTC = datetime.timezone.utc
_BITS = (8, 16, 32, 64)
_UNITS = ("s", "ms", "us", "ns")
_ZONES = ("UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns")
_NAMES = ("", " ", "a", "A", "x\ny", "naïve ø 表", "nan", "None", "0", "y", "a.b", "codec.0", "𝔘" * 50)
_DRAWN = 12  # rows of random codes


# --- what a table may be made of ----------------------------------------------------------------------------


def integers(bits: int, signed: bool) -> st.SearchStrategy[int]:
    """Any integer of a width, the ends and those beyond 2**53 among them."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    ends = [low, low + 1, high - 1, high, *(n for n in (2**53, 2**53 + 1, 2**53 + 2) if n <= high)]
    return st.sampled_from(ends) | st.integers(low, high)


def floats(width: Any = 64) -> st.SearchStrategy[float]:
    """Any float but NaN: denormal, huge, decimal, sometimes infinite."""
    some = st.sampled_from([0.0, -0.0, 0.1, 1.5, 1e4]) | st.integers(-1000, 1000).map(float)
    rare = st.floats(allow_nan=False, allow_infinity=False, width=width)
    if width == 64:
        some |= st.sampled_from([5e-324, -5e-324, 1e300, -1.7976931348623157e308, 2.0**53, 1e-300])
    return some | rare


TEXT = st.sampled_from(
    ["", " ", "a\nb", "nan", "None", "NA", "ø", "表\u200d", "\x00", "1", "x" * 300]
) | st.text(max_size=8)
DATES = st.dates() | st.sampled_from([datetime.date(1, 1, 1), datetime.date(9999, 12, 31)])
TIMES = st.times() | st.just(datetime.time(23, 59, 59, 999_999))
STAMPS = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 1, 1))
FAR = st.datetimes() | st.sampled_from([datetime.datetime.min, datetime.datetime.max])
LENGTHS = st.timedeltas(datetime.timedelta(-90_000), datetime.timedelta(90_000))
DECIMALS = st.decimals(-(10**9), 10**9, places=3)
MIXED = st.one_of(st.booleans(), integers(64, True), floats(), TEXT)
OBJECTS = st.one_of(MIXED, st.integers(), st.just(b"bytes"), st.just((1, 2)), st.just(complex(1, 2)), DATES)

Cells = list[Any]
Kind = tuple[st.SearchStrategy[Any], Callable[[Cells], Any]]


def arrow_kinds() -> dict[str, Kind]:
    """Arrow types by name: cells, and the way to an arrow array."""

    def to(kind: Any) -> Callable[[Cells], Any]:
        return lambda cells: pa.array(cells, type=kind)

    def of_unit(make: Any, unit: str, **more: Any) -> Callable[[Cells], Any]:
        return lambda cells: pa.array(
            cells, type=pa.timestamp("us", **more) if make is pa.timestamp else pa.duration("us")
        ).cast(make(unit, **more), safe=False)

    kinds: dict[str, Kind] = {
        **{f"int{b}": (integers(b, True), to(getattr(pa, f"int{b}")())) for b in _BITS},
        **{f"uint{b}": (integers(b, False), to(getattr(pa, f"uint{b}")())) for b in _BITS},
        "float16": (
            floats(16),
            lambda cells: pa.array([None if c is None else np.float16(c) for c in cells], pa.float16()),
        ),
        "float32": (floats(32), to(pa.float32())),
        "float64": (floats(), to(pa.float64())),
        "NaN beside null": (floats() | st.just(math.nan), to(pa.float64())),
        "infinity": (st.sampled_from([math.inf, 1.0]), to(pa.float64())),
        "bool": (st.booleans(), to(pa.bool_())),
        "string": (TEXT, to(pa.string())),
        "large_string": (TEXT, to(pa.large_string())),
        "dictionary": (TEXT, lambda cells: pa.array(cells, pa.string()).dictionary_encode()),
        "date32": (DATES, to(pa.date32())),
        "time64": (TIMES, to(pa.time64("us"))),
        **{f"timestamp[{u}]": (STAMPS, of_unit(pa.timestamp, u)) for u in _UNITS},
        **{f"timestamp[us, {z}]": (STAMPS, of_unit(pa.timestamp, "us", tz=z)) for z in _ZONES},
        **{f"duration[{u}]": (LENGTHS, of_unit(pa.duration, u)) for u in _UNITS},
        "timestamp[us], far": (FAR, of_unit(pa.timestamp, "us")),
        "timestamp[us, Europe/Paris], far": (FAR, of_unit(pa.timestamp, "us", tz="Europe/Paris")),
        "decimal128": (DECIMALS, to(pa.decimal128(20, 3))),
        "decimal128, wide": (DECIMALS, to(pa.decimal128(38, 20))),
        "null": (st.none(), lambda cells: pa.nulls(len(cells))),
        "binary": (st.binary(max_size=3), to(pa.binary())),
        "list": (st.lists(st.integers(0, 3), max_size=2), to(pa.list_(pa.int64()))),
    }
    if hasattr(pa, "string_view"):
        kinds["string_view"] = (TEXT, to(pa.string_view()))
    return kinds


def only_arrow_kinds() -> dict[str, Kind]:
    """Those that polars doesn't have."""
    return {
        "date64": (DATES, lambda cells: pa.array(cells, type=pa.date64())),
        "time32": (
            TIMES.map(lambda cell: cell.replace(microsecond=0)),
            lambda cells: pa.array(cells, type=pa.time32("s")),
        ),
        "decimal256": (DECIMALS, lambda cells: pa.array(cells, type=pa.decimal256(50, 4))),
        "ordered dictionary": (
            TEXT,
            lambda cells: pa.DictionaryArray.from_arrays(
                pa.array(cells, pa.string()).dictionary_encode().indices,
                pa.array(cells, pa.string()).dictionary_encode().dictionary,
                ordered=True,
            ),
        ),
    }


def numpy_kinds() -> dict[str, Kind]:
    """Columns of pandas with numpy's dtypes; gaps make floats of numbers, and objects of all else."""

    def plain(dtype: str) -> Callable[[Cells], Any]:
        def make(cells: Cells) -> Any:
            gaps = any(cell is None for cell in cells)
            number = dtype[0] in "iuf"
            return pd.Series(
                cells, dtype=("float64" if number else object) if gaps and dtype[0] != "f" else dtype
            )

        return make

    def objects(cells: Cells) -> Any:
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        return pd.Series(array, dtype=object)

    def zoned(cells: Cells) -> Any:
        return (
            pd.Series(pd.to_datetime(pd.Series(cells, dtype="M8[us]")))
            .dt.tz_localize("UTC")
            .dt.tz_convert("Europe/Paris")
        )

    kinds: dict[str, Kind] = {
        **{f"int{b}": (integers(b, True), plain(f"int{b}")) for b in _BITS},
        **{f"uint{b}": (integers(b, False), plain(f"uint{b}")) for b in _BITS},
        **{f"float{b}": (floats(b), plain(f"float{b}")) for b in (16, 32, 64)},
        "infinity": (st.sampled_from([math.inf, 1.0]), plain("float64")),
        "bool": (st.booleans(), plain("bool")),
        **{
            name: (cells, objects)
            for name, cells in {
                "object text": TEXT,
                "mixed objects": MIXED,
                "any objects": OBJECTS,
                "object ints": st.integers(),
                "dates": DATES,
                "times": TIMES,
                "datetimes": FAR,
                "timedeltas": LENGTHS,
                "decimals": DECIMALS,
                "aware datetimes": STAMPS.map(lambda when: when.replace(tzinfo=_UTC)),
                "decimals of any size": st.decimals(allow_nan=False),
            }.items()
        },
        **{
            f"datetime64[{u}]": (
                STAMPS,
                lambda cells, u=u: pd.Series(cells, dtype="M8[us]").astype(f"M8[{u}]"),
            )
            for u in _UNITS
        },
        "datetime64, far": (FAR, lambda cells: pd.Series(cells, dtype="M8[us]")),
        "datetime64 with zone": (STAMPS, zoned),
        **{
            f"timedelta64[{u}]": (
                LENGTHS,
                lambda cells, u=u: pd.Series(
                    pd.to_timedelta(pd.Series(cells, dtype=object)), dtype="m8[us]"
                ).astype(f"m8[{u}]"),
            )
            for u in _UNITS
        },
        "category": (TEXT, lambda cells: pd.Series(cells, dtype=object).astype("category")),
        "ordered category": (
            TEXT,
            lambda cells: pd.Series(cells, dtype=object).astype(
                pd.CategoricalDtype(
                    [*sorted({c for c in cells if c is not None}), "unused level"], ordered=True
                )
            ),
        ),
        "category of ints": (
            integers(64, True),
            lambda cells: pd.Series(cells, dtype="Int64").astype(object).astype("category"),
        ),
        "complex": (
            st.complex_numbers(max_magnitude=9),
            lambda cells: pd.Series([0j if c is None else c for c in cells]),
        ),
        "period": (
            st.sampled_from([pd.Period("2024-01", "M"), None]),
            lambda cells: pd.Series(cells, dtype="period[M]"),
        ),
    }
    return kinds


def nullable_kinds() -> dict[str, Kind]:
    """Columns of pandas with nullable dtypes."""

    def to(dtype: str) -> Callable[[Cells], Any]:
        return lambda cells: pd.Series(cells, dtype=dtype)

    return {
        **{f"Int{b}": (integers(b, True), to(f"Int{b}")) for b in _BITS},
        **{f"UInt{b}": (integers(b, False), to(f"UInt{b}")) for b in _BITS},
        "Float32": (floats(32), to("Float32")),
        "Float64": (floats(), to("Float64")),
        "boolean": (st.booleans(), to("boolean")),
        "string": (TEXT, to("string")),
        "string[python]": (TEXT, to("string[python]")),
        "category of strings": (TEXT, lambda cells: pd.Series(cells, dtype="string").astype("category")),
        "category of Int64": (
            integers(64, True),
            lambda cells: pd.Series(cells, dtype="Int64").astype("category"),
        ),
    }


ARROW = arrow_kinds()
KINDS: dict[str, dict[str, Kind]] = {
    "pandas-numpy": numpy_kinds(),
    "pandas-nullable": nullable_kinds(),
    "pandas-arrow": ARROW | only_arrow_kinds(),
    "polars": ARROW,
    "pyarrow": ARROW | only_arrow_kinds(),
}


@st.composite
def columns(draw: st.DrawFn, kinds: dict[str, Kind], n_rows: int) -> Any:
    """A column: few values or many, with no, some or only gaps."""
    cells, make = kinds[draw(st.sampled_from(sorted(kinds)))]
    pool = draw(st.lists(cells, min_size=1, max_size=draw(st.sampled_from([1, 2, 12, 60]))))
    gaps = draw(st.sampled_from([0.0, 0.0, 0.3, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    picked = [pool[i] for i in rng.integers(len(pool), size=n_rows)]
    return make(
        [None if gone else cell for cell, gone in zip(picked, rng.random(n_rows) < gaps, strict=True)]
    )


@st.composite
def tables(draw: st.DrawFn, backend: str) -> Any:
    """A table of a backend."""
    n_rows = draw(st.sampled_from([1, 2, 3, 7, 40, 130]))
    own = [columns(KINDS[backend], n_rows)] * draw(st.integers(1, 4))
    made = [draw(column) for column in own]
    in_pandas = backend.startswith("pandas")
    name = st.sampled_from(_NAMES) | st.text(st.characters(codec="utf-8"), max_size=5)
    if in_pandas:
        name |= st.sampled_from([0, -1, 2**70, 1.5, True, (1, "b")])
    names = draw(st.lists(name, min_size=len(made), max_size=len(made), unique=True))
    if backend == "polars":
        return pl.DataFrame({label: pl.Series(column) for label, column in zip(names, made, strict=True)})
    if backend == "pyarrow":
        return pa.Table.from_arrays(made, names=names)
    if backend == "pandas-arrow":
        made = [pd.Series(pd.arrays.ArrowExtensionArray(column)) for column in made]
    frame = pd.concat(made, axis=1)
    frame.columns = pd.Index(names, tupleize_cols=False)
    frame.index = pd.Index(np.zeros(n_rows))
    return frame


# --- what must hold -----------------------------------------------------------------------------------------


def check_codec(X: Any) -> str:
    """The way to codes and back, also by a file, and of random codes; "whole" or "refused"."""
    try:
        frame, container = to_frame(X)
        codec = TableCodec.fit(frame)
    except GanaugError as error:
        return _refused(error, X)
    codes = codec.encode(frame)
    widths = [field.n_codes for field in codec.fields]
    assert (codes >= 0).all()
    assert (codes < widths).all()
    check_rows(container.rebuild(codec.decode_columns(codes, np.random.default_rng(0))), X, len(frame))
    for position, column in enumerate(codec.codecs):
        before, own = frame.iloc[:, position], codes[:, codec.slices[position]]
        back = pd.Series(column.decode(own, np.random.default_rng(0)), dtype=before.dtype)
        check_cells(before, back, exact=column.kind == "category")
    drawn = np.random.default_rng(1).integers(widths, size=(_DRAWN, len(widths)))
    rows = container.rebuild(codec.decode_columns(drawn, np.random.default_rng(2)))
    check_rows(rows, X, _DRAWN)
    try:
        header, arrays = codec.to_state()
        state = json.loads(json.dumps([header, container.to_state()]))
    except GanaugError as error:
        return _not_saved(error)
    loaded, held = TableCodec.from_state(state[0], arrays), Container.from_state(state[1])
    assert held.takes(loaded.dtypes)
    again = held.rebuild(loaded.decode_columns(drawn, np.random.default_rng(2)))
    check_same(rows, again)
    return "whole"


def check_fit(X: Any) -> str:
    """A synthesizer fitted to it for one epoch, saved, loaded, and its rows; "whole" or "refused"."""
    tiny = Cascade(hidden_units=4, context_units=8, embedding_units=4)
    try:
        synthesizer = GANSynthesizer(generator=tiny, max_epochs=1, random_state=SEED).fit(X)
    except GanaugError as error:
        return _refused(error, X)
    rows = synthesizer.sample(_DRAWN, random_state=SEED)
    check_rows(rows, X, _DRAWN)
    with tempfile.TemporaryDirectory() as folder:
        try:
            synthesizer.save(Path(folder) / "model")
        except GanaugError as error:
            return _not_saved(error)
        again = GANSynthesizer.load(Path(folder) / "model").sample(_DRAWN, random_state=SEED)
    check_same(rows, again)
    return "whole"


def check_same(one: Any, other: Any) -> None:
    """The same cells, gap for gap."""
    one, other = to_frame(one)[0], to_frame(other)[0]
    assert list(one.columns) == list(other.columns)
    for position in range(one.shape[1]):
        check_cells(one.iloc[:, position], other.iloc[:, position], exact=True)


def check_rows(rows: Any, X: Any, n: int) -> None:
    """As many rows as wanted, in the same container, with cells that each column could have held."""
    assert type(rows) is type(X)
    (frame, container), (real, wanted) = to_frame(rows), to_frame(X)
    assert len(frame) == n
    assert list(frame.columns) == list(real.columns)
    assert container.library == wanted.library
    assert [str(entry) for entry in container.schema] == [str(entry) for entry in wanted.schema]
    for position in range(real.shape[1]):
        had, has = real.iloc[:, position], frame.iloc[:, position]
        if isinstance(X, pd.DataFrame):
            assert has.dtype == had.dtype, (has.dtype, had.dtype)
        check_support(had, has)


def check_support(had: pd.Series, has: pd.Series) -> None:
    """Gaps only where there were some; no value beyond the ends, and no new one where there is no order."""
    known, new = _present(had), _present(has)
    assert len(new) == len(has) or len(known) < len(had)
    assert {type(cell) for cell in new} <= {type(cell) for cell in known}
    try:
        low, high = min(known, default=None), max(known, default=None)
        if known and not isinstance(known[0], str):
            assert all(low <= cell <= high for cell in new)
        else:
            assert set(new) <= set(known)
    except TypeError:  # cells that have no order
        assert set(new) <= set(known)


def check_cells(before: pd.Series, after: pd.Series, exact: bool) -> None:
    """The same gaps, and where the codec is exact the same cells."""
    assert _gaps(before) == _gaps(after)
    if exact:
        assert _present(before) == _present(after)
        assert list(map(type, _present(before))) == list(map(type, _present(after)))


def _present(values: pd.Series) -> list[Any]:
    """Cells that aren't missing; dates and the like as ticks, for Python has no year 10,000."""
    ticks = read_ticks(values)
    if ticks is not None:
        return ticks[0][~ticks[1]].tolist()
    return [cell for cell in values if not pd.isna(cell)]


def _gaps(values: pd.Series) -> list[bool]:
    ticks = read_ticks(values)
    return [pd.isna(cell) for cell in values] if ticks is None else ticks[1].tolist()


def _not_saved(error: GanaugError) -> str:
    """Names that JSON doesn't have can be drawn, if not saved."""
    if "can be saved" not in str(error):
        raise error
    return "whole"


def _refused(error: GanaugError, X: Any) -> str:
    """An error names the column; or the table is too short for a fit."""
    names = [repr(name) for name in (X.column_names if isinstance(X, pa.Table) else X.columns)]
    if not any(name in str(error) for name in names) and "minimum of 2" not in str(error):
        raise error
    return "refused"


# --- the measurement ----------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Fit to all; 1 if any table ended in something else than rows or a refusal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--n-tables", type=int, default=1000)
    options = parser.parse_args(arguments)
    per_backend = max(1, options.n_tables // len(BACKENDS))
    failed = 0
    for backend in BACKENDS:
        start = time.perf_counter()
        counts = measure(backend, per_backend)
        record = {"backend": backend, "seed": SEED, "seconds": time.perf_counter() - start, **counts}
        print(record)
        failed += counts["neither"]
        if options.n_tables >= 1000:
            entry = record | {"environment": environment()}
            write_record(RESULTS / "hostile.json", entry, lambda other, b=backend: other["backend"] == b)
    return int(failed > 0)


def measure(backend: str, n_tables: int) -> dict[str, int]:
    """How many tables ended in rows, in a refusal, and in neither."""
    found: Counter[str] = Counter()

    @hypothesis_seed(SEED)
    @settings(
        max_examples=n_tables,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tables(backend))
    def fit_one(X: Any) -> None:
        try:
            found[check_fit(X)] += 1
        except Exception:  # whatever it is, it is what this looks for
            found["neither"] += 1
            print(f"{to_frame(X)[0].dtypes}\n{traceback.format_exc(limit=-3)}", file=sys.stderr)

    fit_one()
    return {"tables": sum(found.values()), **{name: found[name] for name in ("whole", "refused", "neither")}}


if __name__ == "__main__":
    sys.exit(main())
