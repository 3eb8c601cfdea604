"""Both answers of the scripts that make switches and prove the path between PCs are the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.calls import SCRIPTS, Calls
from rehearsal.hosts.launch import Launcher
from rehearsal.hosts.scheduler import Scheduler
from rehearsal.hosts.state import HostState, Json
from rehearsal.tests.bare_pc import take_switch_away
from rehearsal.tests.contracts.hosts.conftest import Ask
from rehearsal.tests.contracts.hosts.pair import (
    LAB,
    PATIENCE_S,
    Pair,
    change_both,
    files,
    machine,
    plain,
    two_pcs,
    two_pcs_with,
)

PROGRAM = (SCRIPTS / "Invoke-LabSwitch.ps1").read_text(encoding="ascii")
GATEWAY = "192.0.2.1"
ENOUGH_S = 12  # for a switch to be made, on a computer that does much else
NOTES = '{"lab":"lab-7e57","switch":"Lab"}'


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    """Two PCs without a switch, whose gateway answers."""
    made = two_pcs(tmp_path, pwsh)
    change_both(made, lambda state: take_switch_away(state, GATEWAY))
    return made


def external(pair: Pair, **changed: Any) -> dict[str, Any]:
    adapter = pair.real.read()["adapters"][0]["guid"]
    wanted = {"name": "Lab", "type": "External", "notes": NOTES, "adapter_id": adapter}
    return {**wanted, "gateway": "", "prefix": 0, "cidr": "", **changed}


def begin(pair: Pair, *wanted: dict[str, Any], **changed: Any) -> dict[str, Any]:
    given = {"Peer": ["192.0.2.12"], "Seconds": 600, "Program": PROGRAM, **changed}
    return pair.run("New-LabSwitch", Lab=LAB, VirtualSwitch=list(wanted or [external(pair)]), **given)


def operation(pair: Pair) -> Any:
    return pair.run("Get-LabSwitch", Lab=LAB)["operation"]


def let_tasks_end(pair: Pair) -> None:
    """Let both PCs' own schedulers do what they were given, to the end; both are alike then."""
    let_tasks_run(pair, lambda state: not state["scheduled_tasks"])
    log = pair.real.folder / "tasks.log"
    assert not log.exists() or not log.read_text(), log.read_text()
    assert plain(pair.told.read()) == plain(pair.real.read())
    assert files(pair.told) == files(pair.real)


def let_tasks_run(pair: Pair, until: Callable[[Json], bool]) -> None:
    """Let them run until each PC is so far, and goes down."""
    threads = [
        threading.Thread(target=_let_run, args=(pc, pwsh, until))
        for pc, pwsh in ((pair.real, pair.pwsh), (pair.told, None))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _let_run(pc: HostState, pwsh: Path | None, until: Callable[[Json], bool]) -> None:
    scheduler = Scheduler(pc, Launcher(pc, pwsh, Calls(pc.folder)).begin)
    scheduler.start()
    end = time.monotonic() + PATIENCE_S
    while not until(pc.read()) and time.monotonic() < end:
        time.sleep(0.1)
    scheduler.stop()


def test_nothing_is_being_made_on_a_pc_at_first(pair: Pair) -> None:
    assert operation(pair) is None


def test_an_external_switch_is_begun_and_its_task_registered_for_system(pair: Pair) -> None:
    before = {"dhcp": False, "addresses": [{"address": "192.0.2.11", "prefix": 24}], "gateways": [GATEWAY],
              "dns": [GATEWAY], "profile": "Private"}  # fmt: skip
    row = {"name": "Lab", "changed": ["begun"], "adapter": "Ethernet", "before": before}
    assert begin(pair) == {"changed": True, "switches": [row]}
    (task,) = pair.real.read()["scheduled_tasks"].values()
    assert (task["UserId"], task["AtStartup"], task["Started"]) == ("S-1-5-18", True, 1)
    told = operation(pair)
    assert (told["name"], told["state"], told["runs"], told["reached"]) == ("Lab", "begun", True, [])


def test_somebody_elses_broken_task_keeps_nothing_from_being_told(pair: Pair) -> None:
    begin(pair)
    change_both(pair, lambda state: state.update(corrupt_task=True))
    assert operation(pair)["runs"] is True


def test_a_second_one_is_refused_while_the_first_is_being_made(pair: Pair) -> None:
    begin(pair)
    assert begin(pair)["error"]["id"].startswith("LabSwitchBusy")


def test_no_switch_is_begun_where_nobody_could_prove_it(pair: Pair) -> None:
    change_both(pair, lambda state: state["neighbors"].clear())
    assert begin(pair)["error"]["id"].startswith("LabNobodyAnswers")
    assert "scheduled_tasks" not in pair.real.read()


def test_an_adapter_that_is_not_there_is_refused(pair: Pair) -> None:
    assert begin(pair, external(pair, adapter_id="6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001"))["error"]["id"].startswith(
        "LabNoAdapter"
    )


@pytest.mark.parametrize("name", ["Lab", "실습 스위치"])
def test_a_confirmed_switch_is_kept_with_address_gateway_and_dns(pair: Pair, name: str) -> None:
    begin(pair, external(pair, name=name))
    assert pair.run("Confirm-LabSwitch", Lab=LAB) == {"changed": True}
    let_tasks_end(pair)
    state = pair.real.read()
    own = f"vEthernet ({name})"
    assert [(one["adapter"], one["address"]) for one in state["addresses"]] == [(own, "192.0.2.11")]
    assert [(one["adapter"], one["gateway"]) for one in state["routes"]] == [(own, GATEWAY)]
    assert [(one["adapter"], one["servers"]) for one in state["dns"]] == [(own, [GATEWAY])]
    assert [(one["name"], one["notes"]) for one in state["switches"]] == [(name, NOTES)]
    assert operation(pair)["state"] == "kept"


@pytest.mark.parametrize(
    ("faults", "trouble"),
    [
        (["addresses", "dns", "public"], {}),
        (["addresses", "ghost", "public for ever"], {"delay_s": 3, "NewVMSwitch": 1}),
    ],
    ids=["lost", "late, numbered, and public for ever"],
)
def test_what_windows_loses_is_put_back(pair: Pair, faults: list[str], trouble: Json) -> None:
    change_both(pair, lambda state: state.update(switch_faults=faults, switch_trouble=dict(trouble), corrupt_task=True))
    begin(pair)
    pair.run("Confirm-LabSwitch", Lab=LAB)
    let_tasks_end(pair)
    state = pair.real.read()
    assert [one["address"] for one in state["addresses"]] == ["192.0.2.11"]
    assert [one["gateway"] for one in state["routes"]] == [GATEWAY]
    assert [one["servers"] for one in state["dns"]] == [[GATEWAY]]
    assert [one["software_rsc"] for one in state["switches"]] == [False]


def test_an_address_from_dhcp_is_got_again(pair: Pair) -> None:
    def leased(state: Json) -> None:
        state["adapters"][0]["dhcp"] = "Enabled"
        state["lease"] = {"address": "192.0.2.11", "prefix": 24, "gateway": GATEWAY}
        state["switch_faults"] = ["addresses"]

    change_both(pair, leased)
    begin(pair)
    pair.run("Confirm-LabSwitch", Lab=LAB)
    let_tasks_end(pair)
    state = pair.real.read()
    assert [(one["adapter"], one["origin"]) for one in state["addresses"]] == [("vEthernet (Lab)", "Dhcp")]


def test_a_switch_that_nobody_confirms_is_taken_away_and_the_network_is_as_before(pair: Pair) -> None:
    before = {key: pair.real.read()[key] for key in ("addresses", "routes", "dns", "profiles", "switches", "adapters")}
    change_both(pair, lambda state: state.update(switch_trouble={"RemoveVMSwitch": 2}))
    begin(pair, Seconds=ENOUGH_S)
    let_tasks_end(pair)
    assert {key: pair.real.read()[key] for key in before} == before
    told = operation(pair)
    assert (told["state"], told["problem"]) == ("rolled back", "nobody confirmed in time")


THEIRS = {
    "id": "6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001", "name": "Theirs", "type": "External", "adapter": "Ethernet",
    "adapter_description": "Realtek PCIe GbE Family Controller", "allow_management_os": False, "notes": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state["adapters"][0].update(medium="Native 802.11"), "0x80070490"),
        (lambda state: state["adapters"][0].update(bridged=True), "Sequence contains no matching element"),
        (lambda state: state["switches"].append(THEIRS), "is already bound to the Microsoft Virtual Switch protocol"),
    ],
    ids=["Wi-Fi", "a bridge", "another switch"],
)
def test_a_switch_that_windows_refuses_leaves_all_as_it_was(
    pair: Pair, change: Callable[[Json], object], said: str
) -> None:
    change_both(pair, change)
    before = pair.real.read()
    begin(pair)
    let_tasks_end(pair)
    after = pair.real.read()
    assert all(after[key] == before[key] for key in ("addresses", "routes", "dns", "switches", "adapters"))
    told = operation(pair)
    assert told["state"] == "rolled back"
    assert said in told["problem"]


def test_a_pc_that_starts_again_after_the_deadline_takes_the_switch_away(pair: Pair) -> None:
    begin(pair, Seconds=ENOUGH_S)
    end = time.monotonic() + ENOUGH_S + 1
    let_tasks_run(pair, lambda state: "vEthernet (Lab)" in state.get("categories", {}))
    time.sleep(end - time.monotonic())
    let_tasks_end(pair)
    assert pair.real.read()["switches"] == []


def use(pair: Pair) -> Any:
    return pair.run("Get-LabSwitchUse", VirtualSwitch=[{"name": "Lab", "notes": NOTES}])["switches"]


def test_a_switch_of_the_lab_is_taken_away_again_and_the_network_is_as_before(pair: Pair) -> None:
    assert use(pair) == []
    before = {key: pair.real.read()[key] for key in ("addresses", "routes", "dns", "profiles", "switches", "adapters")}
    begin(pair)
    pair.run("Confirm-LabSwitch", Lab=LAB)
    let_tasks_end(pair)
    assert [(one["name"], one["ours"], one["vms"]) for one in use(pair)] == [("Lab", True, [])]
    wanted = {"id": "@Lab", "name": "Lab", "notes": NOTES}
    removed = pair.run("Remove-LabSwitch", Lab=LAB, VirtualSwitch=[wanted], Program=PROGRAM)["switches"]
    assert [(one["changed"], one["adapter"]) for one in removed] == [(["begun"], "Ethernet")]
    let_tasks_end(pair)
    assert {key: pair.real.read()[key] for key in before} == before
    assert operation(pair)["state"] == "removed"


def test_a_switch_that_a_vm_is_on_stays(tmp_path: Path, pwsh: Path) -> None:
    pair = two_pcs_with(tmp_path, pwsh, machine())
    change_both(pair, lambda state: state["switches"][0].update(notes=NOTES))
    assert use(pair)[0]["vms"] == [f"{LAB}-w1"]
    wanted = {"id": "@Lab", "name": "Lab", "notes": NOTES}
    refused = pair.run("Remove-LabSwitch", Lab=LAB, VirtualSwitch=[wanted], Program="")["error"]
    assert refused["id"].startswith("LabSwitchUsed")


def test_the_deadline_is_in_no_calendar_of_the_pcs(pair: Pair, ask: Ask) -> None:
    """In Thailand the year is another one, in Finland hours and minutes have a dot between them."""
    snippet = rf"""
        [cultureinfo]::CurrentCulture = 'th-TH'
        . '{SCRIPTS / "Lab.ps1"}'
        $env:ProgramFiles = 'C:\Program Files'
        Start-LabSwitch -Operation @{{ lab = 'x' }} -Seconds 60 -Program ''
        (ConvertFrom-Json (Get-Content -Raw 'C:\Program Files\hyperv-k8s-lab\switch.json')).deadline
    """
    deadline = datetime.fromisoformat(ask(pair.real, snippet)[-1])
    assert abs((deadline - datetime.now(UTC)).total_seconds()) < 300


def test_somebody_elses_confirmation_is_refused(pair: Pair) -> None:
    begin(pair)
    assert pair.run("Confirm-LabSwitch", Lab="lab-beef")["error"]["id"].startswith("LabNotOurs")
    assert pair.run("Get-LabSwitch", Lab="lab-beef")["operation"] is None


def test_a_private_switch_is_made_at_once_and_once(pair: Pair) -> None:
    private = external(pair, type="Private", name="Inside", adapter_id="")
    row = {"name": "Inside", "adapter": "", "before": None}
    assert begin(pair, private)["switches"] == [{**row, "changed": ["switch"]}]
    assert begin(pair, private) == {"changed": False, "switches": [{**row, "changed": []}]}


def test_an_internal_switch_makes_the_pc_a_gateway_with_nat(pair: Pair) -> None:
    nat = {"gateway": "172.30.7.1", "prefix": 24, "cidr": "172.30.7.0/24"}
    internal = external(pair, type="Internal", name="Out", adapter_id="", **nat)
    assert [one["changed"] for one in begin(pair, internal)["switches"]] == [["switch", "address", "nat"]]
    assert begin(pair, internal)["changed"] is False


def test_a_pc_that_translates_for_another_network_is_left_as_it_is(pair: Pair) -> None:
    change_both(pair, lambda state: state.update(nats=[{"name": "WSL", "cidr": "172.20.0.0/20"}]))
    nat = {"gateway": "172.30.7.1", "prefix": 24, "cidr": "172.30.7.0/24"}
    answer = begin(pair, external(pair, type="Internal", name="Out", adapter_id="", **nat))
    assert answer["error"]["id"].startswith("LabNatTaken")
    assert [one["name"] for one in pair.real.read()["nats"]] == ["WSL"]


def test_the_pcs_adapters_for_the_proof_come_and_go(pair: Pair, tmp_path: Path) -> None:
    begin(pair)
    pair.run("Confirm-LabSwitch", Lab=LAB)
    let_tasks_end(pair)
    before = pair.real.read()
    place = {"network": "mgmt", "switch": "Lab", "vlan": 100, "address": "10.190.86.254", "prefix": 24}
    assert pair.run("Set-LabPath", Lab=LAB, Path=[{**place, "peers": ["10.190.86.253"]}]) == {"changed": True}
    assert pair.real.read()["management_adapters"] == [{"name": f"{LAB}-path-mgmt", "switch": "Lab", "vlan": 100}]
    nobody = pair.run("Get-LabPath", To=["10.190.86.253"], Seconds=0)
    assert nobody == {"changed": False, "path": [{"to": "10.190.86.253", "full": False, "small": False}]}
    assert pair.run("Set-LabPath", Lab=LAB) == {"changed": True}
    assert pair.run("Set-LabPath", Lab=LAB) == {"changed": False}
    after = pair.real.read()
    assert all(after[key] == before[key] for key in ("adapters", "addresses", "switches"))


def test_a_proof_that_cannot_begin_takes_its_adapters_away(pair: Pair) -> None:
    begin(pair)
    pair.run("Confirm-LabSwitch", Lab=LAB)
    let_tasks_end(pair)
    place = {"network": "mgmt", "switch": "Lab", "vlan": 100, "address": "192.0.2.11", "prefix": 24, "peers": []}
    assert pair.run("Set-LabPath", Lab=LAB, Path=[place])["error"]["category"] == "ResourceExists"
    assert pair.real.read()["management_adapters"] == []
