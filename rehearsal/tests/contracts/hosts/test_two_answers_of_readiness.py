"""How a PC was prepared and who is on its LAN, as PowerShell and the JSON answers tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.pc import prices
from rehearsal.hosts.state import vm_by_name
from rehearsal.tests.contracts.hosts.pair import (
    FOLDER,
    LAB,
    Pair,
    ask_readiness,
    change_both,
    create,
    look,
    machine,
    two_pcs,
)

pytestmark = pytest.mark.powershell


@pytest.fixture
def pair(tmp_path: Path, pwsh: Path) -> Pair:
    return two_pcs(tmp_path, pwsh)


def rule(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "Name": name, "InstanceID": name, "DisplayName": name, "Enabled": "True", "Direction": "Inbound",
        "Action": "Allow", "Protocol": "TCP", "LocalPort": "5985", "RemoteAddress": "Any", "Profile": "Domain, Private",
    } | changed  # fmt: skip


def test_a_pc_as_it_was_prepared_is_told_alike(pair: Pair) -> None:
    told = ask_readiness(pair)
    assert (told["full_rights"], told["sleep_s"], told["bridged"], told["vlans"]) == (True, 0, [], [])
    assert told["profiles"] == [{"index": 21, "category": "Private"}]


def test_whoever_has_an_address_on_the_lan_is_told_alike(pair: Pair) -> None:
    def change(state: dict[str, Any]) -> None:
        state["neighbors"] = [
            {"address": address, "adapter": "vEthernet (Lab)", "mac": "A0-B1-C2-D3-E4-F6", "state": seen}
            for address, seen in (("192.0.2.101", "Reachable"), ("192.0.2.9", "Unreachable"), ("fe80::1", "Stale"))
        ]
        state["adapters"][0]["vlan"] = 7
        state["sleep_s"] = 600

    change_both(pair, change)
    answer = ask_readiness(pair)
    assert answer["neighbours"] == [{"address": "192.0.2.101", "mac": "A0B1C2D3E4F6"}]
    assert (answer["probed"], answer["sleep_s"]) == (True, 600)
    assert look(pair)["adapters"][0]["vlan"] == 7


@pytest.mark.parametrize(("number", "name"), [(3, "HDD"), (4, "SSD"), (0, None)])
def test_what_the_disks_lie_on_and_foreign_nat_are_told_alike(pair: Pair, number: int, name: str | None) -> None:
    def change(state: dict[str, Any]) -> None:
        state["volume"]["media_type"] = number
        state["volume"]["file_system"] = "exFAT"
        state["compressed"] = number == 3
        state["nats"] = [{"name": "DockerNAT", "cidr": "10.0.0.0/17"}]

    change_both(pair, change)
    told = ask_readiness(pair)
    assert (told["file_system"], told["packed"]) == ("exFAT", number == 3)
    assert (told["media"], told["nats"]) == (name, [{"name": "DockerNAT", "cidr": "10.0.0.0/17"}])


def test_what_calls_itself_a_card_and_is_none_is_told_alike(pair: Pair) -> None:
    """A TAP of before 2019, and Bluetooth's network: both say HardwareInterface and ifType 6 (Ethernet)."""

    def change(state: dict[str, Any]) -> None:
        for number, pnp in enumerate((r"ROOT\NET\0000", r"BTH\MS_BTHPAN\7&1CD50C28&0&2", r"USB\VID_0BDA&PID_8153\1")):
            state["adapters"].append(state["adapters"][0] | {"name": pnp, "pnp": pnp, "index": 50 + number})

    change_both(pair, change)
    assert [one["hardware"] for one in look(pair)["adapters"]] == [True, False, False, False, True]


def test_everything_that_preparing_left_out_is_told_alike(pair: Pair) -> None:
    def change(state: dict[str, Any]) -> None:
        state["hyperv_refuses"] = "rights"
        state["profiles"]["21"]["NetworkCategory"] = "Public"
        state["adapters"][0]["bridged"] = True
        rules = (
            rule("narrow", RemoteAddress="LocalSubnet,192.0.2.7", Profile="Any"),
            rule("wide", LocalPort="80,5986", Profile="Private, Public"),
            rule("off", Enabled="False"),
            rule("out", Direction="Outbound"),
            rule("another port", LocalPort="443"),
            rule("another protocol", Protocol="UDP"),
        )
        state["firewall_rules"] = {one["Name"]: one for one in rules}

    change_both(pair, change)
    told = ask_readiness(pair)
    assert (told["full_rights"], told["bridged"]) == (False, ["Ethernet"])
    assert told["profiles"] == [{"index": 21, "category": "Public"}]
    assert [(one["name"], one["opens"], one["public"], one["from"]) for one in told["rules"]] == [
        ("narrow", True, True, ["LocalSubnet", "192.0.2.7"]),
        ("wide", True, True, ["Any"]),
        ("off", False, False, ["Any"]),
        ("out", False, False, ["Any"]),
    ]


@pytest.mark.parametrize(("script", "own"), [("Get-LabReadiness", {"LabPath": FOLDER}), ("Set-LabPath", {})])
def test_a_thousand_rules_of_others_cost_no_more_than_a_check_may_take(
    pair: Pair, script: str, own: dict[str, str]
) -> None:
    others = {f"app{number}": rule(f"app{number}", LocalPort=str(number)) for number in range(1, 1100)}
    change_both(pair, lambda state: state.update(firewall_rules={**others, "ours": rule("ours")}))
    assert [prices.spent_s(pc.folder) for pc in (pair.real, pair.told)] == [0, 0]
    told = pair.run(script, Lab=LAB, **own).get("readiness", {"rules": [{"name": "ours"}]})
    assert [one["name"] for one in told["rules"]] == ["ours"]
    assert max(prices.spent_s(pc.folder) for pc in (pair.real, pair.told)) < 20


def test_vlans_of_others_and_of_the_pc_itself_are_told_alike(pair: Pair) -> None:
    create(pair, machine("w1"), machine("w2"))

    def change(state: dict[str, Any]) -> None:
        other = vm_by_name(state, f"{LAB}-w2")
        assert other
        other["notes"] = "mine"
        state["switches"][0]["management_vlan"] = 100

    change_both(pair, change)
    told = ask_readiness(pair)["vlans"]
    assert [(one["vm"] == "", one["adapter"], one["switch"], one["vlan"]) for one in told] == [
        (True, "Lab", "Lab", 100), (False, "mgmt", "Lab", 100), (False, "internal", "Lab", 200),
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["Disabled", "EnablePending", None])
def test_a_pc_without_hyperv_tells_the_feature_alike_and_the_rest_all_the_same(pair: Pair, state: str | None) -> None:
    def change(everything: dict[str, Any]) -> None:
        everything["services"] = {"WinRM": "Running"}
        everything["features"] = {"Microsoft-Hyper-V": state} if state else {}

    change_both(pair, change)
    assert look(pair)["feature"] == (state or "")
    told = ask_readiness(pair)
    assert (told["vlans"], told["full_rights"]) == ([], True)
