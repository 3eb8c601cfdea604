"""The table of PCs (tests/pcs): on each exactly the findings that its file expects; what healthy is has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.hyperv.check import RULES
from labkit.hyperv.reading import host_facts
from rehearsal.hosts.answers.read import get_lab_host
from rehearsal.hosts.answers.readiness import get_lab_readiness
from rehearsal.hosts.state import HostState, initial
from tests.pcs.__main__ import page
from tests.pcs.table import BASES, FILES, merged, read

EVERY = [pytest.param(file, id=file.stem) for file in [*BASES, *FILES]]
KEYS = {"about", "base", "file", "lab", "facts", "findings", "warnings"}


@pytest.mark.parametrize("file", EVERY)
def test_on_each_pc_is_found_what_its_file_expects_and_nothing_else(file: Path) -> None:
    pc = read(file)
    assert pc.row.keys() <= KEYS
    for is_warning, expected in ((False, pc.row.get("findings", {})), (True, pc.row.get("warnings", {}))):
        found = [one for one in pc.findings if one.is_warning is is_warning]
        assert len(found) == len(expected), found
        for part, fix in expected.items():
            (one,) = (one for one in found if part in f"{one.found}: {one.why}")
            assert fix in one.fix


def shape(value: Any) -> Any:
    """The keys of an answer, and of the rows in it that are there."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


@pytest.mark.parametrize("file", EVERY)
def test_each_pc_is_told_as_the_reading_scripts_answer(file: Path, tmp_path: Path) -> None:
    pc = HostState(tmp_path, "pc1")
    pc.make(initial("pc1", address="192.0.2.11"))
    asked = {"Lab": "lab-7e57", "LabPath": "C:\\Lab\\lab-7e57", "Probe": ["192.0.2.100"]}
    told = shape(get_lab_host(pc, asked) | get_lab_readiness(pc, asked))
    own = shape(read(file).answer)
    assert own.keys() == told.keys()
    assert own["host"] == told["host"]
    assert own["readiness"].keys() == told["readiness"].keys()
    assert all(one.keys() == told["adapters"][0].keys() for one in read(file).answer["adapters"])


def test_every_rule_finds_something_on_a_pc_of_the_table() -> None:
    idle = {rule.__name__ for rule in RULES}
    for file in FILES:
        pc = read(file)
        facts = {"pc1": host_facts("pc1", pc.lab.name, pc.answer)}
        idle -= {rule.__name__ for rule in RULES if rule.__name__ in idle and list(rule(pc.lab, facts))}
    assert idle == {"clock_is_right"}  # there the hour of the reading counts, which is not given here
    assert len(FILES) >= 50


def test_the_page_names_every_pc_and_every_fix() -> None:
    pcs = [read(file) for file in FILES]
    whole = page(pcs)
    for pc in pcs:
        assert f"{pc.name}: {pc.row['about']}" in whole
        assert all(one.fix in whole for one in pc.findings)


def test_a_file_changes_its_base_by_key_and_adds_to_its_lists() -> None:
    below = {"a": {"b": 1, "c": [1]}, "d": [1]}
    assert merged(below, {"a": {"c+": [2]}, "d": [3]}) == {"a": {"b": 1, "c": [1, 2]}, "d": [3]}
