"""What follows from a description: addresses, MACs, VLANs, roles."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from tests.unit.description.conftest import lab_with


def test_macs_are_locally_administered_unicast_and_all_different(lab: Lab) -> None:
    macs = [interface.mac for machine in lab.machines for interface in machine.interfaces]
    assert len(set(macs)) == len(macs) == 18
    assert all(int(mac[:2], 16) & 0b11 == 0b10 for mac in macs)


def test_a_mac_tells_lab_network_and_machine(lab: Lab) -> None:
    macs = "02:7e:57:01:00:02 02:7e:57:02:00:02 02:7e:57:03:00:02"
    assert " ".join(one.mac for one in lab.machine("cp1").interfaces) == macs
    assert lab.machine("cp1").mgmt.mac_digits == "027E57010002"


def test_external_addresses_are_counted_from_the_first(lab: Lab) -> None:
    assert [str(machine.external.address) for machine in lab.machines[:2]] == ["192.0.2.100", "192.0.2.101"]


@pytest.mark.parametrize("other", ["7e58", "0000", "ffff", "7fff", "07fe"])
def test_another_lab_in_the_room_has_other_vlans_and_macs(lab: Lab, tmp_path: Path, other: str) -> None:
    second = lab_with(tmp_path, ("'7e57'", f"'{other}'"))
    ours = {lab.mgmt.vlan, lab.internal.vlan}
    theirs = {second.mgmt.vlan, second.internal.vlan}
    assert not ours & theirs
    assert all(vlan is not None and 2 <= vlan <= 4094 for vlan in ours | theirs)
    macs = [{one.mac for machine in each.machines for one in machine.interfaces} for each in (lab, second)]
    assert not macs[0] & macs[1]


@pytest.mark.parametrize("other", ["0000", "ffff", "00ff", "1234"])
def test_derived_subnets_are_apart_and_clear_of_the_clusters(tmp_path: Path, other: str) -> None:
    lab = lab_with(tmp_path, ("'7e57'", f"'{other}'"))
    assert not lab.mgmt.cidr.overlaps(lab.internal.cidr)
    for cidr in (lab.kubernetes.pod_cidr, lab.kubernetes.service_cidr):
        assert not cidr.overlaps(lab.mgmt.cidr)
        assert not cidr.overlaps(lab.internal.cidr)


def test_written_vlans_and_ranges_count(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, ("mgmt: {vlan: auto, cidr: auto}", "mgmt: {vlan: null, cidr: 10.9.0.0/24}"))
    assert lab.mgmt.vlan is None
    assert lab.mgmt.cidr == IPv4Network("10.9.0.0/24")
    assert str(lab.machine("w1").mgmt.address) == "10.9.0.13"


def test_a_control_plane_that_works_too_is_among_the_workers(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, ("roles: [control_plane]", "roles: [control_plane, worker]"))
    assert [machine.name for machine in lab.workers] == ["cp1", "w1", "w2", "w3"]
    assert [machine.name for machine in lab.nodes] == ["cp1", "w1", "w2", "w3"]


def test_a_lab_may_have_no_storage(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, ("roles: [storage]", "roles: [worker]"), (", data_disk_gb: 100", ""))
    assert lab.storage is None


def test_the_bootstrap_server_is_not_installed_by_network(lab: Lab) -> None:
    assert [machine.name for machine in lab.installed_by_network] == ["cp1", "w1", "w2", "w3", "storage1"]


def test_https_has_a_port_of_its_own(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, ("pc2: {address: 192.0.2.12, scheme: http}", "pc2: {address: 192.0.2.12, port: 15986}"))
    assert [host.url for host in lab.hosts] == ["https://192.0.2.11:5986/wsman", "https://192.0.2.12:15986/wsman"]


def test_the_addresses_on_external_are_the_machines_and_those_for_services(lab: Lab) -> None:
    found = {str(address): whose for address, whose in lab.external_addresses.items()}
    assert len(found) == 6 + 10
    assert (found["192.0.2.100"], found["192.0.2.129"]) == ("machine bootstrap", "a Service")


def test_nameservers_are_the_gateway_unless_written(lab: Lab) -> None:
    assert lab.external.nameservers == (lab.external.gateway,)
