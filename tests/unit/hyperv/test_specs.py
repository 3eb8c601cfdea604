"""VM specs against a file that was read by a person."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from labkit.description.lab import Lab
from labkit.hyperv.specs import disk_mark, specs
from tests.golden import check
from tests.labs import DELIVERED, delivered, golden


@pytest.mark.parametrize("name", DELIVERED)
def test_specs_of_a_delivered_lab_are_those_in_the_golden_file(name: str) -> None:
    check(golden(name, "hyperv/specs.json"), rendered(delivered(name)))


def rendered(lab: Lab) -> str:
    return json.dumps([asdict(spec) | {"notes": spec.notes} for spec in specs(lab)], indent=2) + "\n"


def test_only_the_bootstrap_server_may_answer_dhcp_and_only_on_mgmt(lab: Lab) -> None:
    open_to_dhcp = [(spec.name, a.name) for spec in specs(lab) for a in spec.adapters if not a.is_guarded]
    assert open_to_dhcp == [("bootstrap", "mgmt")]


def test_marks_are_one_line_of_ascii(lab: Lab) -> None:
    mark = disk_mark(lab.name, "w1", "1f2e3d4c", "system")
    assert mark == '{"lab":"lab-7e57","machine":"w1","disk":"1f2e3d4c","kind":"system"}'
