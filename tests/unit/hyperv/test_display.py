"""The tables: every machine in a row, refusals with their command, foreign VMs as untouched."""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType

from labkit.hyperv.display import done_table, plan_table, status_table
from labkit.hyperv.drift import plan
from labkit.hyperv.reading import host_facts
from labkit.lab import Lab


def text_of(table: RenderableType) -> str:
    console = Console(width=200)
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
    line = line_of(text_of(status_table(lab, facts(lab, pcs))), "storage1")
    for word in ("pc2", "Running", "1:01:01", "3 GB", "10.131.86.16", "data "):
        assert word in line
    assert "fe80" not in line


def test_status_tells_missing_from_unknown(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc2"]["service"] = "Stopped"
    text = text_of(status_table(lab, facts(lab, bare_pcs)))
    assert "missing" in line_of(text, "cp1")
    assert "unknown" in line_of(text, "w2")


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
