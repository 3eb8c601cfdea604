"""A PC on which no machine can run, or none of this lab's: refused before a rebuild throws anything away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from invoke import Config, Context

import labkit.session
import tasks
from labkit.errors import LabError, RefusedError
from labkit.line.executor import LabExecutor
from labkit.project import ROOT
from rehearsal.hosts.state import Json

pytestmark = pytest.mark.network


def no_hypervisor(state: Json) -> None:
    """As after `bcdedit /set hypervisorlaunchtype off`, or with virtualisation switched off in the firmware."""
    state["hypervisor"] = False


def arm(state: Json) -> None:
    state["cpu"].update(
        name="Snapdragon(R) X Elite - X1E78100 - Qualcomm(R) Oryon(TM) CPU",
        id="ARMv8 (64-bit) Family 8 Model 1 Revision 201",
        architecture=12,
    )


def went_on(_context: Context) -> None:
    raise LabError("nothing refused this PC")


@pytest.mark.parametrize(
    ("change", "found", "fix"),
    [
        (
            no_hypervisor,
            "Hyper-V is installed and its hypervisor does not run",
            "`bcdedit /set hypervisorlaunchtype auto`",
        ),
        (arm, "its processor is ARM64", "lab.hosts"),
    ],
    ids=["no hypervisor", "ARM64"],
)
def test_a_rebuild_throws_nothing_away_where_its_machines_cannot_run(
    pcs: Any, monkeypatch: pytest.MonkeyPatch, change: Callable[[Json], None], found: str, fix: str
) -> None:
    with pcs.state("pc2").change() as state:
        change(state)
    before = {host.name: pcs.state(host.name).read() for host in pcs.lab.hosts}
    monkeypatch.setenv("LAB_ASSUME_YES", pcs.lab.name)  # consent is not what keeps it from acting
    session = pcs.session()
    monkeypatch.setattr(labkit.session, "_open", lambda *_: session)
    monkeypatch.setattr(tasks.ns["os.bootstrap"], "body", went_on)
    config = Config()
    config.set_runtime_path(str(ROOT / "labs" / "rehearsal.yaml"))

    with pytest.raises(LabError) as refused:
        LabExecutor(tasks.ns, config).execute("lab.rebuild")

    assert {script for _, script in pcs.calls()} == {"Get-LabHost"}
    assert {host.name: pcs.state(host.name).read() for host in pcs.lab.hosts} == before
    assert isinstance(refused.value, RefusedError)
    assert f"host pc2: {found}" in str(refused.value)
    assert fix in str(refused.value)
