"""pywinrm is known in one file; everything else speaks to a Transport."""

from __future__ import annotations

import ast

from labkit.project import ROOT


def test_only_one_file_imports_pywinrm() -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("labkit", "tasks")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if any(name.partition(".")[0] == "winrm" for name in imported(node))
    }
    assert importers == {"labkit/transport/winrm.py"}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
