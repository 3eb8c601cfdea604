"""The power supply follows what the hosts say, and a guest boots by its boot order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import HostState, initial, set_vm_state
from rehearsal.room import disk, supply
from rehearsal.room.firmware import Fetched
from rehearsal.room.guest import Guest
from rehearsal.room.layout import Layout
from rehearsal.room.supply import PowerSupply
from rehearsal.room.vm import Adapter, Drive, Dvd, Vm

VM_ID = "2f02befc-4696-4b0b-9607-a497aca0f4ea"
ADAPTER = Adapter("a1", "mgmt", "02:7e:57:01:00:03", "br-vlan704")


class Recorded:
    """A guest that only remembers what it was told."""

    def __init__(self, vm: Vm, _layout: Layout, _image: Path, ended: Callable[[Vm, bool], None]) -> None:
        self.vm, self.ended, self.told = vm, ended, list[str]()
        self.is_system_up = False

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda **_: self.told.append(name)


@pytest.fixture
def host(tmp_path: Path) -> HostState:
    state = HostState(tmp_path, "pc1")
    state.make(initial("pc1", address="192.0.2.11"))
    vm = {
        "id": VM_ID, "name": "lab-7e57-w1", "notes": "", "state": "Off", "power_on_count": 0, "adapters": [],
        "memory_bytes": 4 << 30,
        "drives": [{"id": "d1", "path": "C:\\Lab\\system.vhdx", "controller": 0, "location": 0}],
        "boot_order": [], "dvds": [],
        "secure_boot": True, "secure_boot_template": "MicrosoftUEFICertificateAuthority",
    }  # fmt: skip
    with state.change() as content:
        content["vms"][VM_ID] = vm
    return state


@pytest.fixture
def power(tmp_path: Path, host: HostState, monkeypatch: pytest.MonkeyPatch) -> PowerSupply:
    monkeypatch.setattr(supply, "Guest", Recorded)
    return PowerSupply(Layout(tmp_path, tmp_path / "cache"), [host], tmp_path / "image")


def turn(host: HostState, to: str) -> None:
    with host.change() as content:
        set_vm_state(content, VM_ID, to)


def guest_of(power: PowerSupply) -> Any:
    return power._guests.get(VM_ID)


def test_a_vm_that_is_on_has_one_guest(power: PowerSupply, host: HostState) -> None:
    power._follow(host)
    assert guest_of(power) is None
    turn(host, "Running")
    power._follow(host)
    power._follow(host)
    assert guest_of(power).told == ["start"]


def test_turning_off_cuts_the_power_and_a_clean_stop_asks(power: PowerSupply, host: HostState) -> None:
    turn(host, "Running")
    power._follow(host)
    turn(host, "Stopping")
    power._follow(host)
    turn(host, "Off")
    power._follow(host)
    assert guest_of(power).told == ["start", "shut_down", "cut"]


def test_off_and_on_again_between_two_looks_is_noticed(power: PowerSupply, host: HostState) -> None:
    turn(host, "Running")
    power._follow(host)
    turn(host, "Off")
    turn(host, "Running")
    power._follow(host)
    assert guest_of(power).told == ["start", "cut"]
    power._ended(guest_of(power).vm, False)
    assert host.read()["vms"][VM_ID]["state"] == "Running"  # the older boot's end does not turn the newer one off
    power._follow(host)
    assert guest_of(power).told == ["start"]


def test_a_guest_that_powers_itself_off_turns_the_vm_off(power: PowerSupply, host: HostState) -> None:
    turn(host, "Running")
    power._follow(host)
    power._ended(guest_of(power).vm, True)
    assert host.read()["vms"][VM_ID]["state"] == "Off"
    assert guest_of(power) is None


def test_a_clean_stop_without_a_guest_is_over_at_once(power: PowerSupply, host: HostState) -> None:
    turn(host, "Stopping")
    power._follow(host)
    assert host.read()["vms"][VM_ID]["state"] == "Off"


def test_only_a_running_system_offers_the_shutdown_service(power: PowerSupply, host: HostState) -> None:
    turn(host, "Running")
    power._follow(host)
    assert not host.read()["vms"][VM_ID].get("shutdown_service")
    guest_of(power).is_system_up = True
    power._follow(host)
    assert host.read()["vms"][VM_ID]["shutdown_service"] is True


def test_content_goes_with_its_vhdx_file_and_not_before(
    power: PowerSupply, host: HostState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "detach_all", lambda _folder: None)
    vhdx = host.local("C:\\Lab\\system.vhdx")
    vhdx.write_text(json.dumps({"vhd": "kept"}))
    for name in ("kept", "orphan"):
        (tmp_path / "disks" / name).mkdir(parents=True)
    power._sweep()
    assert [path.name for path in (tmp_path / "disks").iterdir()] == ["kept"]
    turn(host, "Running")
    power._follow(host)
    vhdx.unlink()
    power._sweep()
    assert (tmp_path / "disks" / "kept").exists()  # a running guest has it mounted
    power._ended(guest_of(power).vm, True)
    power._sweep()
    assert not (tmp_path / "disks" / "kept").exists()


class Booting(Guest):
    """A guest whose ways to boot are only noted."""

    def __init__(self, vm: Vm, root: Path) -> None:
        super().__init__(vm, Layout(root, root), root, lambda *_: None)
        self.tried: list[str] = []
        self.on_dvd: Fetched | None = None

    def _network_boot(self, adapter: Adapter) -> None:
        self.tried.append(f"network {adapter.mac}")

    def _run_machine(self, system: disk.Disk) -> Any:
        self.tried.append(f"disk {system.folder.name}")
        return "off"

    def _dvd_boot(self, images: list[Path]) -> Fetched | None:
        self.tried.append(f"DVDs {', '.join(image.name for image in images)}")
        return self.on_dvd

    def _install(self, fetched: Fetched) -> Any:
        self.tried.append(f"install {fetched.kickstart.decode()}")
        return "reboot"

    def _wait_for_power_off(self) -> Any:
        self.tried.append("nothing")
        return "off"

    def _say(self, text: str) -> None:
        pass


def guest(root: Path, order: tuple[tuple[Any, str], ...]) -> Booting:
    disks = (Drive("d1", 0, "v-1", 1, root / "system.vhdx"),)
    dvds = (Dvd("c1", root / "boot.iso"), Dvd("c2", root / "rocky.iso"))
    vm = Vm(
        VM_ID, "pc1", "lab-7e57-w1", "lab-7e57", "w1", "Running", 1, (ADAPTER,), disks, order,
        True, "MicrosoftUEFICertificateAuthority", dvds, memory_bytes=4 << 30,
    )  # fmt: skip
    return Booting(vm, root)


DISK_FIRST = (("drive", "d1"), ("network", "a1"))


def test_a_blank_disk_is_passed_over_for_the_network(tmp_path: Path) -> None:
    booted = guest(tmp_path, DISK_FIRST)
    booted._boot()
    assert booted.tried == [f"network {ADAPTER.mac}", "nothing"]


def test_an_installed_disk_boots_where_the_order_puts_it(tmp_path: Path) -> None:
    (tmp_path / "disks/v-1").mkdir(parents=True)
    disk.Disk(tmp_path / "disks/v-1").finish({"image": "x"})
    first, last = guest(tmp_path, DISK_FIRST), guest(tmp_path, DISK_FIRST[::-1])
    first._boot()
    last._boot()
    assert first.tried == ["disk v-1"]
    assert last.tried == [f"network {ADAPTER.mac}", "disk v-1"]


DVDS_SECOND = (("drive", "d1"), ("drive", "c1"), ("drive", "c2"), ("network", "a1"))


def test_a_blank_disk_is_passed_over_for_a_dvd_whose_kickstart_is_installed(tmp_path: Path) -> None:
    booted = guest(tmp_path, DVDS_SECOND)
    booted.on_dvd = Fetched(b"its kickstart", "inst.ks=hd:LABEL=OEMDRV:/ks.cfg")
    booted._boot()
    assert booted.tried == ["DVDs boot.iso, rocky.iso", "install its kickstart"]


def test_dvds_that_start_nothing_are_tried_once_before_the_network(tmp_path: Path) -> None:
    booted = guest(tmp_path, DVDS_SECOND)
    booted._boot()
    assert booted.tried == ["DVDs boot.iso, rocky.iso", f"network {ADAPTER.mac}", "nothing"]


def test_an_installed_disk_boots_whatever_dvd_is_in_a_drive(tmp_path: Path) -> None:
    (tmp_path / "disks/v-1").mkdir(parents=True)
    disk.Disk(tmp_path / "disks/v-1").finish({"image": "x"})
    booted = guest(tmp_path, DVDS_SECOND)
    booted._boot()
    assert booted.tried == ["disk v-1"]
