"""`inv lab.rebuild` from nothing: machines installed over the network, nodes Ready, rows ok or honestly unproven."""

from __future__ import annotations

import json

import pytest

from labkit.line.stages import STAGES
from tests.rehearsal.rehearsing import Rehearsal, Run

INSTALLED = {"cp1", "w1", "w2", "w3", "storage1"}
PATH = ["dhcp", "loader", "kernel", "kickstart", "installing", "installed"]
UNPROVEN = {"volume is bound", "volume is written on w1", "volume is read on w3"}
# The machines share one kernel's clock; the room's name server knows no name.
NEVER_PROVEN = {"clocks agree", "names outside the cluster"}


def test_it_ends_well(rebuilt: Run) -> None:
    assert rebuilt.code == 0, rebuilt


def test_it_says_the_seconds_of_every_stage(rebuilt: Run) -> None:
    ends = {row["step"]: row for row in rebuilt.ends}
    assert set(ends) >= set(STAGES)
    unsaid = [name for name, row in ends.items() if f"{name}: " not in rebuilt.output or row["seconds"] < 0]
    assert not unsaid, rebuilt


def test_every_machine_but_the_bootstrap_server_was_installed_by_network_boot(rebuilt: Run) -> None:
    times = next(row for row in rebuilt.journal if row["event"] == "times" and row["step"] == "os.install")
    assert set(times["stages"]) == INSTALLED
    for machine, seen in times["stages"].items():
        moments = [seen[stage] for stage in PATH]
        assert moments == sorted(moments), f"{machine}: {seen}"


def test_each_machine_fetched_its_kickstart_by_the_address_on_its_own_kernel_command_line(room: Rehearsal) -> None:
    server = room.lab.bootstrap.mgmt.address
    for name in INSTALLED:
        guest = room.place / "guests" / room.vm(name)["id"]
        words = (guest / "cmdline").read_text().split()
        assert f"inst.ks=http://{server}/ks/{name}.cfg" in words
        assert f"BOOTIF=01-{room.lab.machine(name).mgmt.mac}" in words
        assert f"network --device={room.lab.machine(name).mgmt.mac} " in (guest / "kickstart.cfg").read_text()


def test_the_bootstrap_server_was_installed_by_its_boot_disk_which_is_gone(room: Rehearsal) -> None:
    vm = room.vm("bootstrap")
    guest = room.place / "guests" / vm["id"]
    assert "inst.ks=hd:LABEL=OEMDRV:/ks.cfg" in (guest / "cmdline").read_text().split()
    assert (guest / "kickstart.cfg").read_bytes() == (room.state / "bootstrap" / "ks.cfg").read_bytes()
    assert [dvd["path"] for dvd in vm["dvds"]] == [room.lab.iso_path]
    assert not list(room.host("pc1").drive.rglob("boot.iso"))


@pytest.mark.parametrize("machine", ["bootstrap", "w1"])
def test_firmware_checked_signatures(room: Rehearsal, machine: str) -> None:
    guest = room.place / "guests" / room.vm(machine)["id"]
    assert b"UEFI Secure Boot is enabled" in (guest / "firmware.log").read_bytes()


def test_a_real_kubectl_on_the_controller_sees_four_ready_nodes(room: Rehearsal) -> None:
    assert room.ready() == dict.fromkeys(("cp1", "w1", "w2", "w3"), "True")
    assert json.loads(room.kubectl("version", "--client", "--output=json"))["clientVersion"]["gitVersion"]


def test_the_nodes_stand_on_internal(room: Rehearsal) -> None:
    items = json.loads(room.kubectl("get", "nodes", "--output=json"))["items"]
    seen = {
        item["metadata"]["name"]: next(a["address"] for a in item["status"]["addresses"] if a["type"] == "InternalIP")
        for item in items
    }
    assert seen == {machine.name: str(machine.internal.address) for machine in room.lab.nodes}


def test_the_controller_has_the_rooms_lan_and_nothing_else(room: Rehearsal) -> None:
    links = json.loads(room.ask("ip", "-json", "address", "show"))
    addresses = {entry["local"] for link in links for entry in link["addr_info"] if entry["family"] == "inet"}
    assert addresses == {"127.0.0.1", "192.0.2.5"}
    assert json.loads(room.ask("ip", "-json", "route", "show", "default") or "[]") == []


def test_the_pod_network_and_what_the_nodes_hold_are_proven(rebuilt: Run) -> None:
    proven = ("names in the cluster", "a pod on another node", "large packets between pods", "a Service by its name")
    names = (*proven, "certificates on the nodes", "system pods are ready", "certificate of the API server")
    assert {name: rebuilt.rows[name] for name in names} == dict.fromkeys(names, "ok"), rebuilt


@pytest.mark.parametrize("part", ["node ", "nginx"])
def test_nodes_and_nginx_are_proven(rebuilt: Run, part: str) -> None:
    rows = {name: result for name, result in rebuilt.rows.items() if name.startswith(part)}
    assert len(rows) >= 4
    assert set(rows.values()) == {"ok"}, rebuilt


def test_storage_is_proven_or_the_kernel_says_why_not(room: Rehearsal, rebuilt: Run) -> None:
    assert rebuilt.rows["one default StorageClass"] == "ok"
    open_rows = {name for name, result in rebuilt.rows.items() if result == "not proven here"} - NEVER_PROVEN
    assert open_rows <= UNPROVEN
    kept = json.loads((room.state / "verification.json").read_text())["rows"]
    for row in kept:
        if row["name"] in open_rows:
            assert "unknown filesystem type" in row["measured"] or "No such device" in row["measured"], row


def test_every_stand_in_names_itself_in_the_report(room: Rehearsal) -> None:
    told = room.inv("lab.report")
    assert told.code == 0, told
    for words in ("shares its host's kernel", "stand-in for Anaconda", "SELinux is a stand-in"):
        assert words in " ".join(told.output.split()), told
