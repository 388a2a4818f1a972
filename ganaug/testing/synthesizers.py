"""The contract of synthesizers as code: what all promise, checked on small tables of every container."""

from __future__ import annotations

import inspect
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ganaug._util.frames import is_frame, to_column, to_frame
from ganaug.exceptions import ContractError

__all__ = ["check_synthesizer"]

_N_ROWS = 60
_WISHED = 7  # rows that are asked for


def check_synthesizer(synthesizer: Any) -> None:
    """Check that a synthesizer keeps what all of them promise.

    It is a scikit-learn estimator with ``fit(X, y)`` and ``sample(n_samples, *, y, random_state)``; rows come
    out in what went in, with the same columns, order and dtypes, just as many as were asked for, with the
    labels that were asked for; an integer repeats them; bad requests are refused; nobody else's random
    numbers are touched. Where ``sample`` takes ``return_y`` and ``conditions``, and there are ``save`` and
    ``load``, these are checked too.

    Parameters
    ----------
    synthesizer : estimator
        Not fitted, or fitted: clones of it are. It should fit 60 rows quickly; a parameter ``random_state``
        is set.

    Raises
    ------
    ContractError
        The first promise that is broken; also an AssertionError.

    Examples
    --------
    >>> from ganaug import Cascade, GANSynthesizer
    >>> check_synthesizer(GANSynthesizer(generator=Cascade(hidden_units=8, context_units=16), max_epochs=1))
    """
    _check_clone(synthesizer)
    _check_not_fitted(synthesizer)
    for name, (X, y) in _tables().items():
        fitted = _check_fit(synthesizer, X, y, name)
        _check_rows(fitted, X, name)
        _check_labels(fitted, X, y, name)
        if is_frame(X):
            _check_conditions(fitted, X, name)
        if name == "pandas":
            _check_repeats(synthesizer, fitted, X, y)
            _check_refusals(fitted, y)
        _check_files(fitted, X, name)


# --- before and in fit --------------------------------------------------------------------------------------


def _check_clone(synthesizer: Any) -> None:
    for method in ("fit", "sample", "get_params", "set_params"):
        _want(callable(getattr(synthesizer, method, None)), f"A synthesizer has a method {method}")
    parameters = _signature(synthesizer.sample)
    for name in ("y", "random_state"):
        _want(name in parameters, f"sample must take {name}=")
    with _attempt("clone"):
        copy = clone(synthesizer)
    own, cloned = synthesizer.get_params(deep=False), copy.get_params(deep=False)
    _want(own.keys() == cloned.keys(), "A clone must have the same parameters")
    fitted = [name for name in vars(copy) if name.endswith("_") and not name.startswith("_")]
    _want(not fitted, f"A clone must not be fitted, got {fitted}")


def _check_not_fitted(synthesizer: Any) -> None:
    try:
        clone(synthesizer).sample(1)
    except NotFittedError:
        return
    except Exception as error:
        raise ContractError(f"sample before fit must raise NotFittedError, got {error!r}") from error
    raise ContractError("sample before fit must raise NotFittedError; it returned something")


def _check_fit(synthesizer: Any, X: Any, y: Any, name: str) -> Any:
    before = _read(X)[0].copy()
    fitted = _fit(synthesizer, X, y, name)
    _want(_read(X)[0].equals(before), f"fit must leave the table that it is given as it was: {name}")
    wanted, noted = before.shape[1], getattr(fitted, "n_features_in_", None)
    _want(noted == wanted, f"n_features_in_ must be {wanted} for {name}, got {noted}")
    noted, names = list(getattr(fitted, "feature_names_in_", ())), list(before.columns)
    if is_frame(X):
        _want(noted == names, f"feature_names_in_ must be the columns of {name}, {names}; got {noted}")
    return fitted


# --- rows ---------------------------------------------------------------------------------------------------


def _check_rows(fitted: Any, X: Any, name: str) -> None:
    for n in (1, _WISHED, 3 * _N_ROWS):
        _check_like(_sample(fitted, name, n), X, n, name)


def _check_like(rows: Any, X: Any, n: int, name: str) -> None:
    """Container, columns, dtypes and number of rows, and nothing that the column could not have held."""
    _want(type(rows) is type(X), f"Rows must come in what was fitted ({name}), got {type(rows).__name__}")
    (frame, form), (real, wanted) = _read(rows), _read(X)
    _want(len(frame) == n, f"sample({n}) must give {n} rows of {name}, got {len(frame)}")
    got, columns = list(frame.columns), list(real.columns)
    _want(got == columns, f"Columns of {name} must be those of fit, in their order: {columns}, got {got}")
    for column in columns:
        what, had, has = f"Column {column!r} of {name}", real[column], frame[column]
        same = had.dtype == has.dtype or not isinstance(X, pd.DataFrame)  # others are told by their schema
        _want(same, f"{what} must be of dtype {had.dtype!r}, got {has.dtype!r}")
        _want(had.isna().any() or not has.isna().any(), f"{what} had no missing values, and must not get any")
        if not pd.api.types.is_numeric_dtype(had.dtype):
            new = set(has.dropna()) - set(had)
            _want(not new, f"{what} must have values that it had in fit, got {new}")
    _want(form == wanted, f"{name} must come out as it came in: {wanted}, got {form}")


def _check_labels(fitted: Any, X: Any, y: Any, name: str) -> None:
    labels, container = to_column(y)
    rare = labels.value_counts().index[-1]
    _check_like(_sample(fitted, name, _WISHED, y=rare), X, _WISHED, name)
    if "return_y" not in _signature(fitted.sample):
        return
    each = container.rebuild_column(labels.array, "label")
    for n, asked, expected in ((_WISHED, rare, [rare] * _WISHED), (None, each, labels.tolist())):
        with _attempt(f"sample(y=..., return_y=True) of {name}"):
            rows, drawn = fitted.sample(n, y=asked, return_y=True)
        _check_like(rows, X, len(expected), name)
        kind = type(drawn).__name__
        _want(type(drawn) is type(y), f"Labels of {name} must come as they came in fit, got {kind}")
        got = to_column(drawn)[0].tolist()
        _want(got == expected, f"Rows of {name} must have the labels asked for: {expected}, got {got}")


def _check_repeats(synthesizer: Any, fitted: Any, X: Any, y: Any) -> None:
    with _random_numbers_untouched():
        again = _fit(synthesizer, X, y, "pandas")
        one, same = (_sample(fitted, "pandas", _WISHED, random_state=3) for _ in range(2))
        next_one, next_other = (_sample(fitted, "pandas", _N_ROWS) for _ in range(2))
    _want(one.equals(same), "An integer random_state must repeat the draw")
    _want(not next_one.equals(next_other), "Without a random_state, the next draw must be another one")
    if "random_state" in synthesizer.get_params(deep=False):
        same = _sample(again, "pandas", _WISHED, random_state=3)
        _want(one.equals(same), "An integer random_state must repeat the fit")


def _check_refusals(fitted: Any, y: Any) -> None:
    for n in (0, -1):
        _want_refusal(fitted, f"sample({n})", n)
    _want_refusal(fitted, "A label that fit never had", 2, y="a label that fit never had")
    _want_refusal(fitted, "Two labels for three rows", 3, y=list(y)[:2])


def _check_conditions(fitted: Any, X: Any, name: str) -> None:
    if "conditions" not in _signature(fitted.sample):
        return
    real = _read(X)[0][["city", "size"]]
    asked = {"city": "Oslo", "size": int(real["size"].iloc[0])}
    rows = _sample(fitted, name, _WISHED, conditions=asked)
    _check_like(rows, X, _WISHED, name)
    for column, value in asked.items():
        what, got = f"Column {column!r} of {name}", _read(rows)[0][column].tolist()
        _want(got == [value] * _WISHED, f"{what} must be {value!r} in all rows, as asked, got {got}")
    part = X[["city", "size"]] if isinstance(X, pd.DataFrame) else X.select(["city", "size"])
    rows = _sample(fitted, name, None, conditions=part)
    _check_like(rows, X, _N_ROWS, name)
    as_asked = _read(rows)[0][["city", "size"]].astype(object).equals(real.astype(object))
    _want(as_asked, f"Every row of {name} must have what the frame of conditions has in that row")
    for wrong in ({"no such column": 1}, {"city": "no such level"}):
        _want_refusal(fitted, f"The condition {wrong}", 2, conditions=wrong)


def _check_files(fitted: Any, X: Any, name: str) -> None:
    if not (hasattr(fitted, "save") and hasattr(fitted, "load")):
        return
    with tempfile.TemporaryDirectory() as folder, _attempt(f"save and load after a fit on {name}"):
        fitted.save(Path(folder) / "model")
        loaded = type(fitted).load(Path(folder) / "model")
    saved, read = (_sample(each, name, _WISHED, random_state=3) for each in (fitted, loaded))
    _check_like(read, X, _WISHED, name)
    same = _read(saved)[0].equals(_read(read)[0])
    _want(same, f"What was loaded must draw the same rows as what was saved, after a fit on {name}")


# --- tools --------------------------------------------------------------------------------------------------


def _tables() -> dict[str, tuple[Any, Any]]:
    """Small tables with labels, one for each container that is there."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(_N_ROWS, 2)).round(3)
    size = rng.integers(1, 4, _N_ROWS)
    city = rng.choice(["Oslo", "Bergen", "Tromsø"], _N_ROWS).tolist()
    note = [None if i % 5 == 0 else f"line {i % 3}\n" for i in range(_N_ROWS)]
    label = np.where(np.arange(_N_ROWS) % 6 == 0, "rare", "common").tolist()
    cells: dict[str, Any] = {
        "value": numbers[:, 0].tolist(),
        "size": size.tolist(),
        "city": city,
        "is member": (size > 2).tolist(),
        "note": note,
        "": ["same"] * _N_ROWS,
    }
    frame = pd.DataFrame(cells).astype(
        {"size": "int8", "city": pd.CategoricalDtype([*dict.fromkeys(city), "unused"])}
    )
    frame.index = pd.Index([0] * _N_ROWS)
    tables: dict[str, tuple[Any, Any]] = {"pandas": (frame, pd.Series(label, name="label"))}
    for library in ("polars", "pyarrow"):
        if _is_there(library):
            table = nw.from_dict({**cells, "label": label}, backend=library)
            table = table.with_columns(nw.col("city").cast(nw.Categorical()), nw.col("size").cast(nw.Int8()))
            tables[library] = (table.drop("label").to_native(), table["label"].to_native())
    tables["numpy"] = (numbers, np.array(label))
    return tables


def _is_there(library: str) -> bool:
    try:
        __import__("pyarrow")  # polars comes in through it
        __import__(library)
    except ImportError:
        return False
    return True


def _fit(synthesizer: Any, X: Any, y: Any, name: str) -> Any:
    copy = clone(synthesizer)
    if "random_state" in copy.get_params(deep=False):
        copy.set_params(random_state=0)
    with _attempt(f"fit on a table of {name}"):
        fitted = copy.fit(X, y)
    _want(fitted is copy, "fit must return the synthesizer itself")
    return fitted


def _sample(fitted: Any, name: str, n: int | None, **asked: Any) -> Any:
    with _attempt(f"sample({n}, {', '.join(f'{key}=...' for key in asked)}) of {name}"):
        return fitted.sample(n, **asked)


def _read(table: Any) -> tuple[pd.DataFrame, Any]:
    """The cells, and what describes the container."""
    with _attempt("reading the table"):
        frame, container = to_frame(table)
    return frame, {key: value for key, value in container.to_state().items() if key != "order"}


def _signature(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def _want(holds: Any, promise: str) -> None:
    if not holds:
        raise ContractError(promise)


def _want_refusal(fitted: Any, what: str, n: int, **asked: Any) -> None:
    try:
        fitted.sample(n, **asked)
    except ValueError:
        return
    except Exception as error:
        raise ContractError(f"{what} must be refused with a ValueError, got {error!r}") from error
    raise ContractError(f"{what} must be refused with a ValueError, got rows")


@contextmanager
def _attempt(what: str) -> Iterator[None]:
    try:
        yield
    except ContractError:
        raise
    except Exception as error:
        raise ContractError(f"{what} failed: {error!r}") from error


@contextmanager
def _random_numbers_untouched() -> Iterator[None]:
    """Start from fresh states, or a seed that is always set would hide; then put back what was there."""
    torch = sys.modules.get("torch")
    outside = np.random.get_state(), random.getstate()  # noqa: NPY002 - everyone's own is what this is about
    of_torch = None if torch is None else torch.get_rng_state()
    np.random.seed(None)  # noqa: NPY002
    random.seed()
    if torch is not None:
        torch.default_generator.seed()
    before = _random_states()
    try:
        yield
        after = _random_states()
    finally:
        np.random.set_state(outside[0])  # noqa: NPY002
        random.setstate(outside[1])
        if torch is not None:
            torch.set_rng_state(of_torch)
    for name, state in before.items():
        _want(state == after[name], f"fit and sample must leave the global random numbers of {name} alone")


def _random_states() -> dict[str, Any]:
    numbers = str(np.random.get_state())  # noqa: NPY002
    states: dict[str, Any] = {"numpy": numbers, "random": random.getstate()}
    torch = sys.modules.get("torch")
    return states if torch is None else {**states, "torch": torch.get_rng_state().tolist()}
