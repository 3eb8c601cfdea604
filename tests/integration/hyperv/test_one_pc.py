"""A lab on one PC: a laptop on Wi-Fi with a Private switch, and an Internal one behind which it translates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.errors import RefusedError
from labkit.hyperv import check, create
from rehearsal.hosts.begin import begin
from rehearsal.hosts.state import HostState
from tests.integration.hyperv.conftest import PASSWORD, Pcs, answering
from tests.labs import delivered

pytestmark = [pytest.mark.network, pytest.mark.parametrize("lab", [delivered("one-pc-16gb"), delivered("one-pc-32gb")])]


@pytest.fixture
def laptop(lab: Lab, pwsh: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pcs]:
    """The one PC of the lab, without VMs."""
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    state = HostState(tmp_path, "pc1")
    state.make(begin(lab, "pc1", address="192.0.2.11", prefix=24))
    state.local(lab.iso_path).write_text("a DVD", encoding="ascii")
    with answering(lab, tmp_path, pwsh) as pcs:
        yield pcs


def adapters(pcs: Pcs) -> dict[str, set[tuple[Any, ...]]]:
    """By the end of an adapter's name: the switches and VLANs that VMs have there."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for vm in pcs.state("pc1").read()["vms"].values():
        for adapter in vm["adapters"]:
            found.setdefault(adapter["name"], set()).add((adapter["switch"], adapter["vlan"]))
    return found


def test_from_nothing_to_all_machines_in_two_calls_and_a_second_run_changes_nothing(laptop: Pcs) -> None:
    session, lab = laptop.session(), laptop.lab
    check.check(session)
    assert set(create.create(session)) == {machine.name for machine in lab.machines}
    assert Counter(laptop.calls()) == {("pc1", "Get-LabHost"): 1, ("pc1", "New-LabMachine"): 1}
    assert adapters(laptop) == {
        "mgmt": {("Lab Private", lab.mgmt.vlan)},
        "internal": {("Lab Private", lab.internal.vlan)},
        "external": {("Lab", None)},
    }
    assert not any(create.create(laptop.session()).values())
    assert set(laptop.actions().values()) == {"unchanged"}


def test_an_adapter_on_the_other_switch_is_found_and_put_back(laptop: Pcs) -> None:
    create.create(laptop.session())
    laptop.change("w1", lambda vm: vm["adapters"][0].update(switch="Lab"))
    assert set(laptop.actions().values()) == {"unchanged", "change"}
    create.create(laptop.session())
    assert set(laptop.actions().values()) == {"unchanged"}


def test_a_missing_private_switch_is_refused_before_anything_is_made(laptop: Pcs) -> None:
    with laptop.state("pc1").change() as state:
        state["switches"] = [switch for switch in state["switches"] if switch["type"] != "Private"]
    with pytest.raises(RefusedError, match="there is no virtual switch Lab Private"):
        check.check(laptop.session())
    assert laptop.state("pc1").read()["vms"] == {}


def test_a_lan_with_the_range_behind_the_nat_is_refused(laptop: Pcs) -> None:
    with laptop.state("pc1").change() as state:
        state["addresses"][0]["address"] = "192.168.250.200"
    with pytest.raises(RefusedError, match=r"192\.168\.250\.200 in another network: behind its NAT is 192\.168\.250"):
        check.check(laptop.session())
