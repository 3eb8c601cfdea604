"""Which roles go together, and what a lab on one PC behind NAT needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.labs import FOLDER, SMALL, delivered, small
from tests.unit.description.conftest import GOOD

ONE_PC = (FOLDER / "one-pc-16gb.yaml").read_text(encoding="utf-8").replace("\n  id:\n", "\n  id: '7e57'\n")
TWO_PCS = {
    "bootstrap stores": (
        ("roles: [bootstrap], ", "roles: [bootstrap, worker], "),
        "lab.machines.0.roles: the bootstrap server is kept when the others are made anew, so it cannot be worker too"
        " -> give worker to another machine",
    ),
    "nobody works": (
        ("[worker]", "[control_plane]"),  # each of the three
        "lab.machines: no machine has the role worker -> give one the role worker, such as [control_plane, worker]",
    ),
    "one processor for the control plane": (
        ("roles: [control_plane], cpus: 2", "roles: [control_plane], cpus: 1"),
        "lab.machines.1.cpus: kubeadm makes no control plane with less than 2",
    ),
    "little memory for the control plane": (
        ("roles: [control_plane], cpus: 2, memory_mb: 4096", "roles: [control_plane], cpus: 2, memory_mb: 1536"),
        "lab.machines.1.memory_mb: it is installed over the network, with the installer's image (1.3 GB) in its memory,"
        " and needs 3072 -> give it 3072 at least",
    ),
    "little memory for a worker": (
        ("roles: [worker], cpus: 2, memory_mb: 4096", "roles: [worker], cpus: 2, memory_mb: 3070"),
        "lab.machines.2.memory_mb: it is installed over the network, with the installer's image (1.3 GB) in its memory,"
        " and needs 3072 -> give it 3072 at least",
    ),
    "Private switch for two PCs": (
        ("  private_switch:", "  private_switch: Inside"),
        "lab.private_switch: a Private switch does not reach another PC",
    ),
}
NAT = {
    "no name server": (
        ("nameservers: [1.1.1.1, 9.9.9.9]", "nameservers: []"),
        "lab.external.nameservers: Windows' NAT answers no name queries -> name a name server that the PC reaches",
    ),
    "the PC's LAN is the range": (
        ("address: 127.0.0.1", "address: 192.168.250.77"),
        "lab.hosts.pc1.address: 192.168.250.77 lies behind the NAT (192.168.250.0/24)",
    ),
    "a machine at the gateway's address": (
        ("first_address: 192.168.250.10", "first_address: 192.168.250.1"),
        "bootstrap's external address 192.168.250.1 is the gateway's already",
    ),
    "one name for both switches": (
        ("private_switch: Lab Private", "private_switch: Lab"),
        "lab.private_switch: Lab is EXTERNAL's switch already",
    ),
    "two PCs": (
        ("    pc1: {address: 127.0.0.1}", "    pc1: {address: 127.0.0.1}\n    pc2: {address: 192.168.1.12}"),
        "lab.external.nat: machines behind NAT are not reached from another PC",
    ),
}


@pytest.mark.parametrize("name", TWO_PCS)
def test_parts_that_do_not_go_together_are_refused(name: str, refusal: Callable[..., str]) -> None:
    (old, new), expected = TWO_PCS[name]
    assert expected in refusal(*[(old, new)] * (3 if old == "[worker]" else 1), text=GOOD)


@pytest.mark.parametrize("name", NAT)
def test_what_nat_needs_is_asked_for(name: str, refusal: Callable[..., str]) -> None:
    change, expected = NAT[name]
    assert expected in refusal(change, text=ONE_PC)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "192.168.1.11", "192.168.250.1"])
def test_that_pc_may_be_named_in_any_way_that_leads_to_it(address: str, refusal: Callable[..., str]) -> None:
    said = refusal(("127.0.0.1", address), ("switch: Lab\n", "swich: Lab\n"), text=ONE_PC)
    assert said.startswith("1 problem in lab.yaml"), said


@pytest.mark.parametrize("name", SMALL)
def test_a_small_lab_has_one_of_each_part_that_it_needs(name: str) -> None:
    lab = small(name)
    assert lab.control_plane in lab.nodes
    assert set(lab.workers) <= set(lab.nodes)
    assert lab.workers


def test_a_one_pc_lab_keeps_mgmt_and_internal_apart_on_their_switch() -> None:
    lab = delivered("one-pc-16gb")
    assert lab.switch_of("mgmt") is lab.switch_of("internal")
    assert lab.mgmt.vlan != lab.internal.vlan
    assert lab.switch_of("external").type == "Internal"
