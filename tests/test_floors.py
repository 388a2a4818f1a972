"""The house has floors: imports go down only, absolute, and never sideways between modalities."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ganaug

PACKAGE = Path(ganaug.__file__).parent
FLOORS = {
    "ganaug.exceptions": 0,
    "ganaug.datasets": 0,
    "ganaug._util": 0,
    "ganaug.losses": 1,
    "ganaug.nn": 1,
    "ganaug.metrics": 1,
    "ganaug.training": 2,
    "ganaug.base": 3,
    "ganaug.model": 3,
    "ganaug.drawing": 3,
    "ganaug.fitted": 3,
    "ganaug.tabular": 4,
    "ganaug.constraints": 4,
    "ganaug.image": 4,
    "ganaug.synthesizer": 5,
    "ganaug.baselines": 5,
    "ganaug.pipelines": 6,
    "ganaug.evaluation": 6,
    "ganaug.testing": 6,
    "ganaug.cli": 7,
    "ganaug.__main__": 7,
    "ganaug": 7,
}
MODALITIES = ("ganaug.tabular", "ganaug.image")
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The entry of `FLOORS` that a module belongs to."""
    return ".".join(module.split(".")[:2])


def imported_modules(tree: ast.AST) -> set[str]:
    """Every module of ours that is imported anywhere in a file, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "ganaug":
            found |= {f"ganaug.{a.name}" if is_module(f"ganaug.{a.name}") else "ganaug" for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name == "ganaug" or name.startswith("ganaug.")}


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.fixture(scope="module", params=FILES, ids=module_name)
def source(request) -> tuple[str, ast.Module]:
    path: Path = request.param
    return module_name(path), ast.parse(path.read_text(encoding="utf-8"))


def test_every_room_has_a_floor(source):
    assert room(source[0]) in FLOORS


def test_imports_go_down(source):
    module, tree = source
    here = room(module)
    for imported in imported_modules(tree):
        there = room(imported)
        if there != here:
            assert FLOORS[there] <= FLOORS[here], f"{module} imports {imported}, which is above it"
            assert not (here in MODALITIES and there in MODALITIES), f"{module} imports {imported}, sideways"


def test_imports_are_absolute(source):
    module, tree = source
    relative = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, f"{module} has relative imports in lines {relative}"


def test_files_and_functions_are_short(source):
    module, tree = source
    last = max((node.end_lineno for node in tree.body), default=0)
    assert last <= 400, f"{module} has {last} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_length(node) <= 40, f"{module}.{node.name} has {body_length(node)} lines"


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature and its docstring."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def test_every_stored_parameter_is_read(source):
    """An estimator's parameter that nothing outside ``__init__`` reads would silently do nothing."""
    module, tree = source
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and is_estimator(node):
            read = attributes_read()
            idle = [name for name in stored_parameters(node) if name not in read]
            assert not idle, f"{module}.{node.name} stores {idle}, and nothing reads them"


def is_estimator(node: ast.ClassDef) -> bool:
    return any(
        "BaseEstimator" in ast.unparse(base) or "Synthesizer" in ast.unparse(base) for base in node.bases
    )


def stored_parameters(node: ast.ClassDef) -> list[str]:
    init = [f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"]
    return [a.arg for f in init for a in (*f.args.args, *f.args.kwonlyargs) if a.arg != "self"]


def attributes_read() -> set[str]:
    """Every attribute name that is read anywhere in the package, but for ``self.name`` in an ``__init__``."""
    found: set[str] = set()
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name == "__init__"
            for child in ast.walk(node)
            if isinstance(child, ast.Attribute) and ast.unparse(child.value) == "self"
        }
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in own
        }
    return found
