#!/usr/bin/env python3
"""How large this checkout is, and how it hangs together: one table, for before and after a change of the structure.

Usage: make measure   (or scripts/dev/measure.py [CHECKOUT], with the virtual environment's bin on the PATH)
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

PRODUCT = ("tasks", "labkit", "templates", "scripts", "ansible")


def main(checkout: Path) -> None:
    """Print the table; `make check` runs last, because it takes a minute."""
    files = _git(checkout, "ls-files")
    shown = [
        ("lines of the product", _lines(checkout, [name for name in files if name.startswith(_folders(PRODUCT))])),
        ("lines of its tests, without golden files", _lines(checkout, [*_tests(files, "tests/")])),
        ("lines of the rehearsal", _lines(checkout, [name for name in files if _is_rehearsal(name)])),
        ("lines of the rehearsal's tests", _lines(checkout, [*_tests(files, "rehearsal/tests/")])),
        ("modules at labkit's root", sum(_is_at_the_root(name) for name in files)),
        ("circles of modules in labkit", _circle(checkout)),
        *_collected(checkout),
        ("seconds of make check", _seconds(checkout)),
    ]
    for what, value in shown:
        print(f"{what:42} {value:>8}" if isinstance(value, int) else f"{what:42} {value}", flush=True)


def _folders(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}/" for name in names)


def _git(checkout: Path, *words: str) -> list[str]:
    done = subprocess.run(["git", "-C", str(checkout), *words], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def _tests(files: list[str], folder: str) -> Iterator[str]:
    return (name for name in files if name.startswith(folder) and "/golden/" not in name)


def _is_rehearsal(name: str) -> bool:
    return name.startswith("rehearsal/") and not name.startswith("rehearsal/tests/")


def _is_at_the_root(name: str) -> bool:
    return name.startswith("labkit/") and name.count("/") == 1 and name != "labkit/__init__.py"


def _lines(checkout: Path, names: list[str]) -> int:
    return sum((checkout / name).read_bytes().count(b"\n") for name in names if (checkout / name).is_file())


def _circle(checkout: Path) -> str:
    """A circle by its modules, or "none"; imports for types alone do not count."""
    sys.path.insert(0, str(checkout))
    graph = grimp.build_graph("labkit", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return " -> ".join(error.args[1])
    return "none"


def _collected(checkout: Path) -> list[tuple[str, int]]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    tests = [line for line in done.stdout.splitlines() if "::" in line and not line.startswith("ERROR")]
    return [("tests collected", len(tests)), ("test functions", len({test.partition("[")[0] for test in tests}))]


def _seconds(checkout: Path) -> str:
    begin = time.monotonic()
    done = subprocess.run(["make", "check"], cwd=checkout, check=False, capture_output=True)
    return f"{time.monotonic() - begin:.0f}" if done.returncode == 0 else "it fails"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
