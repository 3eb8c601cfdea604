"""docs/proof.md: what each layer was proven by. A claim has a date and a version, and what proves it exists."""

import re
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROOF = (ROOT / "docs/proof.md").read_text(encoding="utf-8")
KINDS = set(re.findall(r"^- \*\*(.+?)\*\*: ", PROOF, flags=re.MULTILINE))
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PROOF.splitlines()
    if line.startswith("| ") and not line.startswith("| layer")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_layer_says_by_what_and_when_it_was_proven(row: list[str]) -> None:
    _, kind, when, version, by = row
    assert kind in KINDS
    if kind == "never":
        assert (when, version) == ("-", "-")
    else:
        assert when.startswith("each ") or date.fromisoformat(when)
        assert by != "-"
    assert version != "-" or kind in ("never", "stand-in alone")
    for path in re.findall(r"`([\w.-]+/[\w./-]+)`", by):
        assert (ROOT / path).exists(), path


def test_every_kind_of_proof_is_explained_and_found_and_the_readme_leads_there() -> None:
    assert {row[1] for row in ROWS} == KINDS
    assert "(docs/proof.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
