"""VM specs against a file that was read by a person."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from labkit.hyperv.specs import disk_mark, specs
from labkit.lab import Lab

GOLDEN = Path(__file__).parents[2] / "golden" / "hyperv" / "specs.json"


def test_specs_of_the_delivered_lab_are_those_in_the_golden_file(lab: Lab) -> None:
    """To renew it after a wanted change: write `rendered(lab)` to the file and read the difference."""
    assert rendered(lab) == GOLDEN.read_text(encoding="utf-8")


def rendered(lab: Lab) -> str:
    return json.dumps([asdict(spec) | {"notes": spec.notes} for spec in specs(lab)], indent=2) + "\n"


def test_only_the_bootstrap_server_may_answer_dhcp_and_only_on_mgmt(lab: Lab) -> None:
    open_to_dhcp = [(spec.name, a.name) for spec in specs(lab) for a in spec.adapters if not a.is_guarded]
    assert open_to_dhcp == [("bootstrap", "mgmt")]


def test_marks_are_one_line_of_ascii(lab: Lab) -> None:
    mark = disk_mark(lab.name, "w1", "1f2e3d4c", "system")
    assert mark == '{"lab":"lab-7e57","machine":"w1","disk":"1f2e3d4c","kind":"system"}'
