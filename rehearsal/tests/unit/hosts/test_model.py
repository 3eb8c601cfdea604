"""The model of a PC as the stand-in cmdlets ask it: results, refusals, questions, and no answer without power."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts import outage
from rehearsal.hosts.pc import server
from rehearsal.hosts.state import HostState, Json, initial


@pytest.fixture
def pc(tmp_path: Path) -> HostState:
    state = HostState(tmp_path, "pc1")
    state.make(initial("pc1", address="192.0.2.11"))
    return state


def asked(pc: HostState, cmdlet: str, on: Any = None, **given: Any) -> Json:
    return server.answer({"pc": str(pc.folder), "cmdlet": cmdlet, "on": on, "given": given})


def result(pc: HostState, cmdlet: str, on: Any = None, **given: Any) -> Any:
    answer = asked(pc, cmdlet, on, **given)
    assert "refusal" not in answer, answer
    return answer["result"]


def refused(pc: HostState, cmdlet: str, on: Any = None, **given: Any) -> str:
    return str(asked(pc, cmdlet, on, **given)["refusal"]["id"])


def new(pc: HostState, name: str = "w1", **given: Any) -> str:
    vm: str = result(pc, "New-VM", Name=name, Generation=2, Path="C:\\Lab", **given)
    return vm


def vm_of(pc: HostState, vm: str) -> Json:
    found: Json = pc.read()["vms"][vm]
    return found


def test_an_error_comes_without_the_cmdlets_class_which_powershell_adds(pc: HostState) -> None:
    refusal = asked(pc, "Get-VM", Name="nobody")["refusal"]
    assert (refusal["id"], refusal["category"], refusal["target"]) == ("InvalidParameter", "InvalidArgument", "nobody")


def test_only_get_vm_takes_an_unknown_name_for_a_wrong_argument(pc: HostState) -> None:
    assert refused(pc, "find", "nobody") == "ObjectNotFound"
    assert result(pc, "find", "no*") == []


def test_names_are_patterns_without_regard_to_case(pc: HostState) -> None:
    both = {new(pc, "w1"), new(pc, "W2")}
    assert set(result(pc, "find", "w*")) == both


def test_what_asks_first_asks_again_with_force(pc: HostState) -> None:
    vm = new(pc)
    asking = asked(pc, "Remove-VM", vm)
    assert "remove virtual machine" in asking["question"]
    assert asking["refusal"]["id"] == "InvalidOperation"
    assert result(pc, "Remove-VM", vm, Force=True) is None
    assert pc.read()["vms"] == {}


def test_a_guest_that_nobody_can_ask_is_cut_off_with_force_only(pc: HostState) -> None:
    vm = new(pc)
    result(pc, "Start-VM", vm)
    assert "Shutdown integration service" in asked(pc, "Stop-VM", vm)["question"]
    assert result(pc, "Stop-VM", vm, Force=True) == ""
    assert vm_of(pc, vm)["state"] == "Off"


def test_a_guest_that_refuses_is_an_error_and_with_force_off_all_the_same(pc: HostState) -> None:
    vm = new(pc)
    with pc.change() as state:
        state["vms"][vm].update(state="Running", shutdown_service=True, guest_refuses=True)
    assert refused(pc, "Stop-VM", vm, Force=True) == "OperationFailed"
    assert vm_of(pc, vm)["state"] == "Off"


def test_nothing_can_be_saved_of_a_vm_that_is_off(pc: HostState) -> None:
    assert refused(pc, "Stop-VM", new(pc), Save=True) == "InvalidState"
    assert refused(pc, "Stop-VM", new(pc), Save=True, TurnOff=True) == "InvalidParameter"


def test_a_warning_is_told_in_the_result(pc: HostState) -> None:
    assert "already in the specified state" in result(pc, "Stop-VM", new(pc))


def test_a_vm_whose_disk_is_not_there_is_not_left_behind(pc: HostState) -> None:
    given = {"Name": "x", "Generation": 2, "VHDPath": "C:\\Lab\\none.vhdx"}
    assert refused(pc, "New-VM", **given) == "ObjectNotFound"
    assert pc.read()["vms"] == {}


def test_a_restore_asks_for_a_vm_that_is_off(pc: HostState) -> None:
    vm = new(pc)
    taken = result(pc, "Checkpoint-VM", vm, SnapshotName="one")
    result(pc, "Start-VM", vm)
    assert refused(pc, "Restore-VMSnapshot", {"vm": vm, "id": taken["id"]}) == "InvalidState"


def test_a_device_that_an_order_dropped_may_be_listed_again_and_no_foreign_one(pc: HostState) -> None:
    vm, other = new(pc), new(pc, "w2")
    own, foreign = (vm_of(pc, one)["boot_order"][0] for one in (vm, other))
    added = result(pc, "Add-VMNetworkAdapter", vm, Name="two")
    second = {"type": "network", "id": added["id"], "vm": vm, "kind": "adapters"}
    result(pc, "Set-VMFirmware", vm, BootOrder=[second])
    assert vm_of(pc, vm)["boot_order"] == [{"type": "network", "id": added["id"]}]
    result(pc, "Set-VMFirmware", vm, FirstBootDevice=own)
    assert [one["id"] for one in vm_of(pc, vm)["boot_order"]] == [own["id"], added["id"]]
    assert refused(pc, "Set-VMFirmware", vm, BootOrder=[foreign]) == "InvalidParameter"


def test_a_pc_has_one_nat_and_each_address_once(pc: HostState) -> None:
    given = {"InterfaceIndex": 12, "IPAddress": "192.0.2.77", "PrefixLength": 24}
    result(pc, "New-NetIPAddress", **given)
    assert refused(pc, "New-NetIPAddress", **given) == "Windows System Error 5010"
    assert refused(pc, "New-NetIPAddress", **{**given, "InterfaceIndex": 99}) == "Windows System Error 1168"
    nat = {"Name": "lab", "InternalIPInterfaceAddressPrefix": "192.0.2.0/24"}
    result(pc, "New-NetNat", **nat)
    assert refused(pc, "New-NetNat", **nat) == "Windows System Error 87"


def exchange(*requests: Json) -> list[Json]:
    """Send requests on one connection, as a PowerShell does; as many answers as came."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(server.address())
        with connection.makefile("rwb") as stream:
            stream.write(b"".join(json.dumps(one).encode() + b"\n" for one in requests))
            stream.flush()
            connection.shutdown(socket.SHUT_WR)
            return [json.loads(line) for line in stream]


def test_one_socket_serves_every_pc_of_the_process(pc: HostState, tmp_path: Path) -> None:
    other = HostState(tmp_path, "pc2")
    other.make(initial("pc2", address="192.0.2.12"))
    requests: list[Json] = [{"pc": str(one.folder), "cmdlet": "Get-VM", "on": None, "given": {}} for one in (pc, other)]
    new(pc)
    assert [len(answer["result"]) for answer in exchange(*requests)] == [1, 0]
    assert server.address() == server.address()


def test_where_the_power_fails_no_answer_comes(pc: HostState) -> None:
    vm = new(pc)
    with pc.change() as state:
        state[outage.KEY] = 0
    request = {"pc": str(pc.folder), "cmdlet": "Start-VM", "on": vm, "given": {}}
    assert exchange(request, request) == []
    assert vm_of(pc, vm)["state"] == "Off"
