"""Templates are files that machines read; each is rendered by somebody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.project import ROOT, TEMPLATES

ALL = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())


def test_every_template_is_rendered_or_included_by_somebody() -> None:
    sources = [*(ROOT / "labkit").rglob("*.py"), *ALL]
    named = set(re.findall(r'"([\w./-]+\.j2)"', "\n".join(path.read_text() for path in sources)))
    assert {path.relative_to(TEMPLATES).as_posix() for path in ALL} <= named


@pytest.mark.parametrize("template", ALL, ids=lambda path: path.name)
def test_a_template_has_unix_line_ends_and_ends_with_one(template: Path) -> None:
    content = template.read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")
