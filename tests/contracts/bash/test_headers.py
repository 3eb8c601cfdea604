"""Every script says its purpose, its usage and its variables; and those are exactly the ones that the env file sets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.project import BASH
from labkit.pxe import files

SCRIPTS = sorted(BASH.glob("*.sh"))
RUN = [script for script in SCRIPTS if script.name != "converge.sh"]
NAME = re.compile(r"\bPXE_[A-Z_]+\b")


def header(script: Path) -> str:
    """The comment at the top."""
    lines = script.read_text().splitlines()
    return "\n".join(lines[: next(n for n, line in enumerate(lines) if not line.startswith("#"))])


def body(script: Path) -> str:
    return script.read_text().removeprefix(header(script))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_header_names_purpose_usage_and_variables(script: Path) -> None:
    assert script.read_text().startswith("#!/usr/bin/env bash\n# Purpose: ")
    assert "\n# Usage: " in header(script)
    assert "\n# Variables: " in header(script)


@pytest.mark.parametrize("script", RUN, ids=lambda script: script.name)
def test_script_is_strict_short_and_executable(script: Path) -> None:
    text = script.read_text()
    assert "\nset -euo pipefail\n" in text
    assert len(text.splitlines()) <= 100
    assert script.stat().st_mode & 0o111
    assert text.endswith('main "$@"\n')


@pytest.mark.parametrize("script", RUN, ids=lambda script: script.name)
def test_header_names_exactly_the_variables_that_the_script_uses_and_demands_before(script: Path) -> None:
    text = body(script)
    demanded = {found[1]: found.start(1) for found in re.finditer(r"\$\{(PXE_[A-Z_]+):?\?", text)}
    assert set(demanded) == set(NAME.findall(text)) == set(NAME.findall(header(script)))
    assert {name: text.index(name) for name in demanded} == demanded


def test_env_file_sets_exactly_what_the_headers_name(lab: Lab) -> None:
    written = {line.partition("=")[0] for line in files.environment(lab).splitlines() if not line.startswith("#")}
    assert written == {name for script in RUN for name in NAME.findall(header(script))}
