"""The tables: every machine in a row, refusals with their command, foreign VMs as untouched."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console, RenderableType

from labkit.description.lab import Lab
from labkit.hyperv.display import checkpoints_table, done_table, plan_table, status_table
from labkit.hyperv.drift import plan
from labkit.hyperv.reading import host_facts


def text_of(table: RenderableType, width: int = 200) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def facts(lab: Lab, pcs: Any) -> Any:
    return {name: host_facts(name, lab.name, answer) for name, answer in pcs.answers.items()}


def line_of(text: str, machine: str) -> str:
    return next(line for line in text.splitlines() if f" {machine} " in line)


def test_status_names_state_addresses_and_disks(lab: Lab, pcs: Any) -> None:
    row = pcs.vm("storage1")
    row.update(state="Running", uptime_s=3661)
    row["detail"]["adapters"][0]["addresses"] = ["10.131.86.16", "fe80::1"]
    line = line_of(text_of(status_table(lab, facts(lab, pcs), {})), "storage1")
    for word in ("pc2", "Running", "1:01:01", "3 GB", "10.131.86.16", "data "):
        assert word in line
    assert "fe80" not in line


def test_status_tells_missing_from_unknown(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc2"]["service"] = "Stopped"
    text = text_of(status_table(lab, facts(lab, bare_pcs), {}))
    assert "missing" in line_of(text, "cp1")
    assert "unknown" in line_of(text, "w2")


@pytest.mark.parametrize("width", [80, 120, 160])
def test_status_fits_the_terminal_with_every_word_whole(lab: Lab, pcs: Any, width: int) -> None:
    for machine in lab.machines:
        row = pcs.vm(machine.name)
        row.update(state="Running", uptime_s=93661)
        for adapter, interface in zip(row["detail"]["adapters"], machine.interfaces, strict=True):
            adapter["addresses"] = [str(interface.address)]
    stages = {machine.name: "installing" for machine in lab.machines}
    table = status_table(lab, facts(lab, pcs), stages, "stages as Hyper-V tells them: w1 is off", width=width)
    text = text_of(table, width)
    columns = ("host", "machine", "state", "uptime", "memory", "addresses", "stage", "mark", "checkpoint")
    assert set(columns) <= set(text.splitlines()[1].split())
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text
    words = text.replace(",", " ").split()
    assert {"installing", "storage1", "Running", str(lab.machine("w2").external.address)} <= set(words)
    assert text.splitlines()[-1].strip() == "stages as Hyper-V tells them: w1 is off"


def test_status_says_that_a_merge_goes_on(lab: Lab, pcs: Any) -> None:
    drive = pcs.vm("w1")["detail"]["drives"][0]
    drive["path"] = drive["path"].replace(".vhdx", "_0F1E2D3C-7A35-4A45-9A51-52E4B5F1A001.avhdx")
    assert "merging" in line_of(text_of(status_table(lab, facts(lab, pcs), {})), "w1")


def test_checkpoints_stand_in_a_table_with_their_time_and_what_they_lack(lab: Lab, pcs: Any) -> None:
    for machine in lab.machines:
        row = {"name": "before", "time": "2026-11-23T10:00:00Z", "disks": []}
        pcs.vm(machine.name)["detail"]["checkpoints"] = [row]
    pcs.vm("w1")["detail"]["checkpoints"].append({"name": "part", "time": "2026-11-24T10:00:00Z", "disks": []})
    text = text_of(checkpoints_table(lab, facts(lab, pcs)))
    assert "yes" in line_of(text, "before")
    assert re.search(r"2026-11-2[234] \d\d:\d0", line_of(text, "before"))
    assert "no: without" in line_of(text, "part")
    assert "w1" in line_of(text, "part").partition("no:")[0]


def test_the_plan_names_the_command_for_what_create_refuses(lab: Lab, pcs: Any) -> None:
    pcs.vm("w1").update(state="Running")
    pcs.vm("w1")["detail"]["cpus"] = 1
    pcs.vm("w2")["detail"]["cpus"] = 1
    text = text_of(plan_table(lab, plan(lab, facts(lab, pcs))))
    assert "inv hyperv.stop --machine w1 hyperv.create" in line_of(text, "w1")
    assert "inv hyperv.create" in line_of(text, "w2")
    assert "unchanged" in line_of(text, "w3")


def test_what_was_done_stands_beside_each_machine(lab: Lab) -> None:
    text = text_of(done_table(lab, {"w1": ("cpus", "boot"), "w2": ()}))
    assert "changed: cpus, boot" in line_of(text, "w1")
    assert "unchanged" in line_of(text, "w2")
