"""Transports stand in one file each, and a Windows controller can import it all. import-linter holds the layers."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LABKIT = sorted((ROOT / "labkit").rglob("*.py"))
TASKS = sorted((ROOT / "tasks").rglob("*.py"))
REHEARSAL = sorted((ROOT / "rehearsal").rglob("*.py"))
SLOW_TO_IMPORT = ("cryptography", "fabric", "jinja2", "paramiko", "pydantic", "requests", "rich", "winrm")
POSIX_ONLY = ("crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty")


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imported(file: Path) -> Iterator[str]:
    """Full names of the modules a file imports, at the top or within functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)}


def importing(files: list[Path], libraries: set[str]) -> dict[str, set[str]]:
    """The files that import any of these libraries, each with which."""
    return {relative(file): roots(file) & libraries for file in files if roots(file) & libraries}


@pytest.mark.parametrize("library", ["winrm", "fabric"])
def test_a_transport_is_imported_in_one_file(library: str) -> None:
    users = [relative(file) for file in LABKIT + TASKS if library in roots(file)]
    assert len(users) == 1, users


def test_tasks_know_no_transport_and_no_format() -> None:
    assert importing(TASKS, {"winrm", "fabric", "paramiko", "yaml", "jinja2", "requests"}) == {}


def test_task_modules_import_each_other_without_a_circle() -> None:
    graph = {file.stem: {name.split(".")[1] for name in imported(file) if name.startswith("tasks.")} for file in TASKS}
    modules = {file.stem for file in TASKS} - {"__init__", "lab"}  # lab.plan looks its task up when it runs
    left = {name: graph[name] & modules for name in modules}
    while left:
        free = {name for name, needs in left.items() if not needs & left.keys()}
        assert free, f"a circle among {sorted(left)}"
        left = {name: needs for name, needs in left.items() if name not in free}


def test_no_task_module_shadows_what_runs() -> None:
    """The tasks folder comes first on the path under `inv`. tasks/rehearsal.py is meant to: it starts the package."""
    allowed = {"rehearsal", "__init__"}
    others = {"winrm", "fabric", "ansible", "yaml", "jinja2", "rich", "pydantic", "labkit", "cryptography", "invoke"}
    assert ({file.stem for file in TASKS} - allowed) & (others | set(sys.stdlib_module_names)) == set()


def test_no_file_is_named_for_being_of_use() -> None:
    useful = {"utils", "util", "helpers", "helper", "common", "misc", "shared"}
    assert [relative(file) for file in LABKIT + TASKS + REHEARSAL if file.stem in useful] == []


def test_only_the_rehearsals_own_task_knows_of_it() -> None:
    knowing = {relative(file) for file in LABKIT + TASKS if "rehears" in file.read_text(encoding="utf-8").lower()}
    assert knowing == {"tasks/__init__.py", "tasks/rehearsal.py"}
    naming = (ROOT / "tasks" / "__init__.py").read_text(encoding="utf-8").lower()
    assert naming.count("rehears") <= 2  # imported, and added


def test_everything_imports_where_posix_is_missing() -> None:
    """As on Windows: every module of the library and the tasks, in one fresh interpreter without those modules."""
    program = f"""
import sys
for name in {POSIX_ONLY!r}:
    sys.modules.pop(name, None)
class Missing:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if name in {POSIX_ONLY!r} and ({str(ROOT / "labkit")!r} in frame.f_code.co_filename
                                       or {str(ROOT / "tasks")!r} in frame.f_code.co_filename):
            raise ModuleNotFoundError(f"{{name}} does not exist on Windows", name=name)
sys.meta_path.insert(0, Missing())
sys.path.insert(0, {str(ROOT)!r})
import importlib, pathlib
sys.argv = ["inv"]
for folder in ("labkit", "tasks"):
    for file in sorted(pathlib.Path({str(ROOT)!r}, folder).rglob("*.py")):
        parts = file.relative_to({str(ROOT)!r}).with_suffix("").parts
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_no_posix_only_module_is_imported_anywhere() -> None:
    assert importing(LABKIT + TASKS, set(POSIX_ONLY)) == {}


def test_listing_tasks_imports_nothing_slow() -> None:
    """Every `inv` pays for what `tasks` imports, also the one that only completes a name."""
    program = f"import sys, tasks; print(*sorted(set({SLOW_TO_IMPORT}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
