"""The import rules: dependencies point one way, and heavy packages load only when they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QT = ("PySide6", "shiboken6", "pyqtgraph")
HEAVY = ("torch", "diffusers", "transformers", "cv2", "mediapipe", "ctranslate2")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path, everywhere: bool) -> Iterator[tuple[str, int]]:
    """Names of modules that a file imports; those inside functions only with ``everywhere``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = list(ast.walk(tree)) if everywhere else list(top_level(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.module or "", node.lineno


def top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run when the module is imported, without those for type checkers."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
            continue
        todo += list(ast.iter_child_nodes(node))


def offenders(folder: str, banned: tuple[str, ...], everywhere: bool) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(folder)
        for name, line in imports(path, everywhere)
        if name.split(".")[0] in banned or any(name.startswith(b + ".") or name == b for b in banned)
    ]


def test_engines_never_see_the_app_or_qt() -> None:
    assert offenders("engines", ("app", *QT), everywhere=True) == []


@pytest.mark.parametrize("folder", ["app/core", "app/export"])
def test_core_and_export_never_see_qt_or_torch(folder: str) -> None:
    assert offenders(folder, (*QT, "torch", "diffusers", "app.ui", "app.qtbridge"), everywhere=True) == []


def test_export_does_not_know_the_studio() -> None:
    assert offenders("app/export", ("app.core.studio", "app.core.jobs", "app.cli"), everywhere=True) == []


@pytest.mark.parametrize("folder", ["app", "engines"])
def test_heavy_packages_are_imported_inside_functions(folder: str) -> None:
    found = [
        entry
        for entry in offenders(folder, HEAVY, everywhere=False)
        if not Path(entry.split(":")[0]).name.startswith(("net", "train"))
    ]
    assert found == []


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after running ``code`` in a fresh interpreter."""
    program = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_core_loads_without_qt_torch_or_vision() -> None:
    loaded = loaded_by("import app.core.studio, app.core.jobs, app.core.perform, app.export, app.cli.render")
    assert not loaded & {*QT, *HEAVY}


def test_engines_are_listed_without_importing_them() -> None:
    loaded = loaded_by("from engines import registry; assert 'blendshape' in registry.engines()")
    assert not loaded & {*QT, *HEAVY, "numba", "scipy"}


def test_help_is_immediate() -> None:
    command = [sys.executable, "-c", "from app.cli import main; main(['--help'])"]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        times.append(time.perf_counter() - start)
        assert "render" in done.stdout
    assert min(times) < 0.5  # 0.12 s when the machine is idle
    assert "numpy" not in loaded_by("from app.cli.arguments import parser; parser()")
