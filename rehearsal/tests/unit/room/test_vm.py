"""VMs as the power supply reads them from a host's state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import HostState, initial
from rehearsal.room import vm
from rehearsal.room.layout import LAN_BRIDGE

VM_ID = "2f02befc-4696-4b0b-9607-a497aca0f4ea"


def raw(**changes: Any) -> dict[str, Any]:
    adapter = {"id": "a1", "name": "mgmt", "mac": "027E57010002", "switch": "Lab", "vlan": 704}
    fields = {
        "id": VM_ID, "name": "lab-7e57-cp1", "notes": '{"lab": "lab-7e57", "machine": "cp1"}', "state": "Running",
        "power_on_count": 3, "adapters": [adapter], "dvds": [],
        "drives": [{"id": "d1", "path": "C:\\Lab\\system.vhdx", "controller": 0, "location": 0}],
        "boot_order": [{"type": "drive", "id": "d1"}, {"type": "network", "id": "a1"}, {"type": "file", "id": "f"}],
        "secure_boot": True, "secure_boot_template": "MicrosoftUEFICertificateAuthority",
        "memory_bytes": 4 << 30,
    }  # fmt: skip
    return fields | changes


@pytest.fixture
def host(tmp_path: Path) -> HostState:
    state = HostState(tmp_path, "pc1")
    state.make(initial("pc1", address="192.0.2.11"))
    return state


def read(host: HostState, **changes: Any) -> vm.Vm:
    state = host.read()
    state["vms"][VM_ID] = raw(**changes)
    return vm.read(host, state)[VM_ID]


def test_a_disk_is_known_by_the_id_in_its_file(host: HostState) -> None:
    host.local("C:\\Lab\\system.vhdx").write_text(json.dumps({"vhd": "v-1", "size_bytes": 42}))
    drive = read(host).drives[0]
    assert (drive.vhd, drive.size_bytes) == ("v-1", 42)


@pytest.mark.parametrize("content", [None, "not a disk", "[]"])
def test_a_disk_whose_file_is_gone_or_damaged_has_no_content(host: HostState, content: str | None) -> None:
    if content is not None:
        host.local("C:\\Lab\\system.vhdx").write_text(content)
    assert read(host).drives[0].vhd is None


def test_a_dvd_drive_is_known_by_its_image_and_an_empty_one_not_at_all(host: HostState) -> None:
    dvds = [{"id": "c1", "path": "C:\\ISO\\rocky.iso"}, {"id": "c2", "path": None}]
    assert read(host, dvds=dvds).dvds == (vm.Dvd("c1", host.drive / "ISO" / "rocky.iso"),)


def test_a_disk_that_was_written_to_is_as_large_as_that_and_keeps_its_id(host: HostState) -> None:
    file = host.local("C:\\Lab\\system.vhdx")
    file.write_text(json.dumps({"vhd": "v-1", "size_bytes": 42}))
    vm.write_to(read(host).drives[0])
    assert vm.vhdx(file) == {"vhd": "v-1", "size_bytes": 42, "file_bytes": vm.WRITTEN_BYTES}


def test_disks_come_in_the_order_of_their_places_not_of_their_attaching(host: HostState) -> None:
    rows = [("data", 1), ("system", 0)]
    drives = [{"id": name, "path": f"C:\\Lab\\{name}.vhdx", "controller": 0, "location": at} for name, at in rows]
    assert [drive.id for drive in read(host, drives=drives).drives] == ["system", "data"]


def test_boot_order_keeps_devices_only(host: HostState) -> None:
    assert read(host).boot_order == (("drive", "d1"), ("network", "a1"))


def test_notes_tell_lab_and_machine(host: HostState) -> None:
    assert (read(host).lab, read(host).machine) == ("lab-7e57", "cp1")
    assert (read(host, notes="somebody's VM").lab, read(host, notes="[]").machine) == (None, None)


def test_one_bridge_a_vlan_and_the_same_on_both_hosts() -> None:
    external = {"type": "External", "id": "s"}
    assert vm.bridge_of("pc1", external, None) == vm.bridge_of("pc2", external, None) == LAN_BRIDGE
    assert vm.bridge_of("pc1", external, 704) == vm.bridge_of("pc2", external, 704) == "br-vlan704"
    assert vm.bridge_of("pc1", external, 705) != "br-vlan704"


def test_a_private_switch_reaches_nothing_else() -> None:
    private = {"type": "Private", "id": "s"}
    bridges = {vm.bridge_of(host, private, vlan) for host in ("pc1", "pc2") for vlan in (None, 7)}
    assert len(bridges) == 4
    assert LAN_BRIDGE not in bridges
    assert all(bridge is not None and len(bridge) <= 15 for bridge in bridges)


def test_an_unplugged_adapter_has_no_bridge(host: HostState) -> None:
    adapter = {"id": "a1", "name": "mgmt", "mac": "027E57010002", "switch": None, "vlan": None}
    assert read(host, adapters=[adapter]).adapters[0].bridge is None


def test_macs_are_written_as_linux_writes_them(host: HostState) -> None:
    assert read(host).adapters[0].mac == "02:7e:57:01:00:02"
