"""Who else answers on MGMT is found before the lab's own DHCP begins: real packets, real dnsmasq."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.alone import seen_by
from tests.labs import untagged

SCRIPT = Path(__file__).with_name("probe_once.py")
LAB = untagged()
MAC = LAB.control_plane.mgmt.mac  # of the adapter that everything foreign comes from
SERVER = str(LAB.bootstrap.mgmt.address)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return seen_by(SCRIPT, tmp_path_factory.mktemp("probe"), needs=("dnsmasq",))


def test_a_router_is_found_with_its_address_its_mac_and_what_it_offers(found: dict[str, Any]) -> None:
    (line,) = found["a router"]
    kind, address, mac, offered = line.split()
    prefix = str(LAB.mgmt.cidr.network_address).rpartition(".")[0]
    assert (kind, address, mac) == ("dhcp", f"{prefix}.250", MAC)
    assert 200 <= int(offered.removeprefix(f"{prefix}.")) <= 220


def test_another_lab_of_the_same_id_is_found_though_it_answers_this_labs_machines_alone(found: dict[str, Any]) -> None:
    assert f"dhcp {SERVER} {MAC}" in [line.rpartition(" ")[0] for line in found["a lab of the same id"]]
    assert f"address {SERVER} {MAC}" in found["a lab of the same id"]


def test_nobody_is_found_where_nobody_or_the_labs_own_server_is(found: dict[str, Any]) -> None:
    assert found["nobody"] == []
    assert found["the lab's own"] == []


def test_answers_of_an_unknown_form_are_passed_over_and_a_whole_one_is_not(found: dict[str, Any]) -> None:
    assert found["broken"] == []
    assert found["whole"] == [f"dhcp 0.0.0.0 {MAC} 0.0.0.0"]


def test_an_address_is_taken_only_by_somebody_else_than_its_machine(found: dict[str, Any]) -> None:
    assert found["at its own address"] == []
    assert found["at another's address"] == [f"address {LAB.machine('w1').mgmt.address} {MAC}"]
