"""What gives synthetic rows away, in words: rules read off small trees that tell them from real ones.

On one half of the rows, a tree of depth three is fitted, and all pairs of conditions are tried, since a tree
can't see what shows in no column alone. The most telling leaf or pair becomes a rule, loses every condition
that it can do without, and stays only if the other half of the rows bears it out. The next search does
without the columns that have been named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from ganaug.metrics.features import BoolArray, CodedTables, FloatArray, code_tables

MAX_ROWS = 5000  # of each table and half: enough for what is worth saying
_DEPTH = 3
_MAX_VALUES = 20  # of a column that get a question of their own
_POPULAR = 0.01  # share of the rows that makes a number's value one of them
_SURE = 4.0  # standard errors by which the other half of the rows must bear a rule out
_QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)  # bounds of pairs
_NEGATIONS = ("is not", "not whole")
_ENOUGH = 0.8  # of its standard errors a shorter rule must keep


@dataclass(frozen=True)
class Condition:
    """A question about one column: ``kind`` is "is", "is not", "below", "from", "whole" or "not whole"."""

    column: int
    kind: str
    value: float = 0.0

    def holds(self, matrix: FloatArray) -> BoolArray:
        """Which rows answer yes; a missing cell is neither below nor above anything."""
        cells = matrix[:, self.column]
        if self.kind in ("is", "is not"):
            same = np.isnan(cells) if np.isnan(self.value) else cells == self.value
            return np.asarray(same if self.kind == "is" else ~same)
        if self.kind in ("whole", "not whole"):
            with np.errstate(invalid="ignore"):
                whole = cells == np.round(cells)
            return np.asarray(whole if self.kind == "whole" else ~whole & ~np.isnan(cells))
        return np.asarray(cells < self.value if self.kind == "below" else cells >= self.value)


def telling_rows(
    real: Any,
    synthetic: Any,
    *,
    categorical: Iterable[Any] | None = None,
    max_reasons: int = 6,
    random_state: int = 0,
) -> pd.DataFrame:
    """Say in words which rows there are too many or too few of.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.
    max_reasons : int, default=6
    random_state : int, default=0

    Returns
    -------
    DataFrame, one row per reason, the most telling first
        ``words``, such as "hours = 40 and age < 20"; ``columns``, the names in it; ``real`` and
        ``synthetic``, the shares of the rows that it holds for, counted on rows that it wasn't found on.
        Empty where small trees find nothing that lasts.

    Examples
    --------
    >>> x = np.arange(400.0) % 20
    >>> real = pd.DataFrame({"x": x, "y": x})
    >>> telling_rows(real, real.assign(x=np.maximum(x, 5)))[["words", "real", "synthetic"]].values.tolist()
    [['x < 5', 0.23, 0.0]]
    """
    coded = code_tables(real, synthetic, categorical=categorical)
    return find_reasons(coded, max_reasons, random_state)


def find_reasons(coded: CodedTables, max_reasons: int = 6, random_state: int = 0) -> pd.DataFrame:
    """`telling_rows` for tables that are coded already: the real one, then the synthetic one."""
    rng = np.random.default_rng(random_state)
    shuffled = [matrix[rng.permutation(len(matrix))] for matrix in coded.matrices[:2]]
    search = [matrix[: min(len(matrix) // 2, MAX_ROWS)] for matrix in shuffled]
    check = [matrix[len(matrix) // 2 :] for matrix in shuffled]
    questions = _questions(coded, search)
    found: list[tuple[float, list[Condition]]] = []
    while questions and len(found) < max_reasons:
        leaf = _telling_leaf(questions, [_answers(questions, matrix) for matrix in search])
        rules = [rule for rule in (leaf, _telling_pair(questions, search)) if rule]
        if not rules:
            break
        best = max(rules, key=lambda rule: _surprise(rule, search) * _ENOUGH ** _n_negations(rule))
        rule = _rarer(_shortened(best, search), search)
        surprise = _surprise(rule, check)
        if surprise >= _SURE:
            found.append((surprise, rule))
        named = {condition.column for condition in rule}
        questions = [question for question in questions if question.column not in named]
    found.sort(key=lambda pair: -pair[0])
    table = {
        "words": [in_words(rule, coded) for _, rule in found],
        "columns": [list(dict.fromkeys(coded.names[c.column] for c in rule)) for _, rule in found],
        "real": [float(_covered(rule, check[0]).mean()) for _, rule in found],
        "synthetic": [float(_covered(rule, check[1]).mean()) for _, rule in found],
    }
    return pd.DataFrame(table)


def in_words(rule: list[Condition], coded: CodedTables) -> str:
    """A rule as text: bounds of one column in one piece, conditions joined by "and"."""
    parts = []
    for j in dict.fromkeys(condition.column for condition in rule):
        own = {c.kind: c.value for c in rule if c.column == j and c.kind != "is not"}
        name = str(coded.names[j])
        if "is" in own:
            missing = np.isnan(own["is"])
            parts.append(f"{name} is missing" if missing else f"{name} = {level_name(coded, j, own['is'])}")
            continue
        lower, upper = (level_name(coded, j, own[kind]) if kind in own else "" for kind in ("from", "below"))
        if lower and upper:
            parts.append(f"{lower} ≤ {name} < {upper}")
        elif lower or upper:
            parts.append(f"{name} ≥ {lower}" if lower else f"{name} < {upper}")
        parts += [f"{name} is a whole number"] if "whole" in own else []
        parts += [f"{name} has decimals"] if "not whole" in own else []
        others = [c.value for c in rule if c.column == j and c.kind == "is not"]
        known = [level_name(coded, j, value) for value in others if not np.isnan(value)]
        parts += [f"{name} isn't {' or '.join(known)}"] if known else []
        parts += [f"{name} isn't missing"] if any(np.isnan(value) for value in others) else []
    return " and ".join(parts)


def level_name(coded: CodedTables, j: int, value: float) -> str:
    """A cell as text: the level of a category, the day of a date, a number without superfluous digits."""
    if coded.is_category[j]:
        return str(coded.levels[j][int(value)]) if coded.levels else str(int(value))
    dtype: Any = coded.dtypes[j] if coded.dtypes else np.dtype(np.float64)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        unit = getattr(dtype, "unit", "ns")
        moment = pd.Timestamp(int(value), unit=unit)
        return str(moment.date()) if moment == moment.normalize() else str(moment.floor("s"))
    if pd.api.types.is_timedelta64_dtype(dtype):
        ticks = np.array(int(value)).astype(dtype)
        return str(ticks.astype("timedelta64[s]").item())
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def _questions(coded: CodedTables, tables: list[FloatArray]) -> list[Condition]:
    """What a tree may ask: values, missing, whole or not; and a bound, whose value it finds, of a number."""
    questions = []
    for j, is_category in enumerate(coded.is_category):
        columns = [table[:, j] for table in tables]
        present = [column[~np.isnan(column)] for column in columns]
        if any(len(p) < len(c) for p, c in zip(present, columns, strict=True)):
            questions.append(Condition(j, "is", float("nan")))
        values, counts = np.unique(np.concatenate(present), return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_MAX_VALUES]
        least = 1 if is_category else _POPULAR * sum(map(len, columns))
        questions += [Condition(j, "is", float(values[i])) for i in order if counts[i] >= least]
        if not is_category and len(values) > 1:
            questions.append(Condition(j, "below"))
            whole = [float(np.mean(p == np.round(p))) if len(p) else 1.0 for p in present]
            questions += [Condition(j, "whole")] if min(whole) < 1 and max(whole) > 0 else []
    return questions


def _answers(questions: list[Condition], matrix: FloatArray) -> FloatArray:
    """0 or 1 for each row and question; the number itself where the question is for a bound."""
    answers = np.zeros((len(matrix), len(questions)))
    for k, question in enumerate(questions):
        cells = matrix[:, question.column]
        if question.kind == "below":
            gaps = np.isnan(cells)
            answers[:, k] = np.where(gaps, np.median(cells[~gaps]) if not gaps.all() else 0.0, cells)
        else:
            answers[:, k] = question.holds(matrix)
    return answers


def _telling_leaf(questions: list[Condition], answers: list[FloatArray]) -> list[Condition] | None:
    """Conditions of the leaf whose shares of real and synthetic rows differ by the most standard errors."""
    sizes = [len(part) for part in answers]
    if min(sizes) < 2 or not questions:
        return None
    X, y = np.vstack(answers), np.repeat([0, 1], sizes)
    tree = DecisionTreeClassifier(
        criterion="entropy",
        max_depth=_DEPTH,
        min_samples_leaf=max(3, sum(sizes) // 500),
        class_weight="balanced",
        random_state=0,
    ).fit(X, y)
    leaves = tree.apply(X)
    best, best_surprise = -1, 0.0
    for leaf in np.unique(leaves):
        shares = [float(np.mean(part == leaf)) for part in np.split(leaves, [sizes[0]])]
        n_negations = _n_negations(_path(tree.tree_, int(leaf), questions))
        surprise = _standard_errors(shares, sizes) * _ENOUGH**n_negations
        if surprise > best_surprise:
            best, best_surprise = int(leaf), surprise
    return _path(tree.tree_, best, questions) if best > 0 else None  # 0 is the root: nothing was split


def _telling_pair(questions: list[Condition], tables: list[FloatArray]) -> list[Condition] | None:
    """The two conditions whose shares together differ by the most standard errors, or one of them."""
    conditions = [c for question in questions for c in _both_sides(question, tables)]
    sizes = [len(table) for table in tables]
    if not conditions or min(sizes) < 2:
        return None
    shares = []
    for table in tables:
        holds = np.column_stack([condition.holds(table) for condition in conditions]).astype(np.float32)
        shares.append((holds.T @ holds).astype(np.float64) / len(table))  # one condition on the diagonal
    common = (shares[0] * sizes[0] + shares[1] * sizes[1]) / sum(sizes)
    variance = np.maximum(common * (1 - common), 1e-12) * (1 / sizes[0] + 1 / sizes[1])
    surprise = np.abs(shares[0] - shares[1]) / np.sqrt(variance)
    i, j = np.unravel_index(int(surprise.argmax()), surprise.shape)
    return _tightest(list(dict.fromkeys([conditions[int(i)], conditions[int(j)]])))


def _both_sides(question: Condition, tables: list[FloatArray]) -> list[Condition]:
    """The conditions of a question: of a bound, both sides of the real column's quantiles."""
    if question.kind == "whole":
        return [question, replace(question, kind="not whole")]
    if question.kind != "below":
        return [question]
    column = tables[0][:, question.column]
    present = column[~np.isnan(column)]
    if not len(present):
        return []
    bounds = np.unique([_round_bound(float(q)) for q in np.quantile(present, _QUANTILES)])
    return [Condition(question.column, kind, float(b)) for b in bounds for kind in ("below", "from")]


def _n_negations(rule: list[Condition]) -> int:
    return sum(condition.kind in _NEGATIONS for condition in rule)


def _path(tree: Any, leaf: int, questions: list[Condition]) -> list[Condition]:
    parents = {
        int(child): (node, side)
        for node in range(tree.node_count)
        for side, child in enumerate((tree.children_left[node], tree.children_right[node]))
        if child >= 0
    }
    rule: list[Condition] = []
    while leaf in parents:
        leaf, went_right = parents[leaf]
        asked = questions[tree.feature[leaf]]
        if asked.kind == "below":
            bound = _round_bound(float(tree.threshold[leaf]))
            rule.append(Condition(asked.column, "from" if went_right else "below", bound))
        else:
            no = {"is": "is not", "whole": "not whole"}[asked.kind]
            rule.append(Condition(asked.column, asked.kind if went_right else no, asked.value))
    return _tightest(rule[::-1])


def _round_bound(bound: float) -> float:
    """Half way between two whole numbers is the upper one; else four digits."""
    return float(np.ceil(bound)) if (2 * bound).is_integer() else float(f"{bound:.4g}")


def _tightest(rule: list[Condition]) -> list[Condition]:
    """One lower and one upper bound of a column at most."""
    kept = []
    for condition in rule:
        same = [c.value for c in rule if (c.column, c.kind) == (condition.column, condition.kind)]
        if condition.kind == "below" and condition.value > min(same):
            continue
        if condition.kind == "from" and condition.value < max(same):
            continue
        kept.append(condition)
    return list(dict.fromkeys(kept))


def _shortened(rule: list[Condition], tables: list[FloatArray]) -> list[Condition]:
    """The rule without the conditions that tell little more."""
    wanted = _ENOUGH * _surprise(rule, tables)
    for condition in list(rule):
        shorter = [other for other in rule if other != condition]
        if shorter and _surprise(shorter, tables) >= wanted:
            rule = shorter
    return rule


def _rarer(rule: list[Condition], tables: list[FloatArray]) -> list[Condition]:
    """A rule of one condition, or its opposite where that holds for fewer rows."""
    opposites = {"is": "is not", "below": "from", "whole": "not whole"}
    opposites |= {opposite: kind for kind, opposite in opposites.items()}
    if len(rule) > 1:
        return rule
    other = [replace(rule[0], kind=opposites[rule[0].kind])]
    sizes = [sum(float(_covered(one, table).mean()) for table in tables) for one in (rule, other)]
    gaps = _surprise(other, tables) < _ENOUGH * _surprise(rule, tables)  # missing cells are in neither
    return rule if sizes[0] <= sizes[1] or gaps else other


def _covered(rule: list[Condition], matrix: FloatArray) -> BoolArray:
    covered = np.ones(len(matrix), dtype=np.bool_)
    for condition in rule:
        covered &= condition.holds(matrix)
    return covered


def _surprise(rule: list[Condition], tables: list[FloatArray]) -> float:
    shares = [float(_covered(rule, table).mean()) if len(table) else 0.0 for table in tables]
    return _standard_errors(shares, [len(table) for table in tables])


def _standard_errors(shares: list[float], sizes: list[int]) -> float:
    """By how many standard errors two shares differ."""
    if min(sizes) == 0:
        return 0.0
    common = (shares[0] * sizes[0] + shares[1] * sizes[1]) / sum(sizes)
    variance = common * (1 - common) * (1 / sizes[0] + 1 / sizes[1])
    return abs(shares[0] - shares[1]) / float(np.sqrt(variance)) if variance > 0 else 0.0
