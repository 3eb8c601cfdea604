"""The state of a stand-in PC: one writer at a time, every write seen, paths found as NTFS finds them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rehearsal.hosts.pc.machines import fresh
from rehearsal.hosts.state import HostState, NoDriveError, initial, machine_of, set_vm_state, vm_by_name


@pytest.fixture
def pc(tmp_path: Path) -> HostState:
    state = HostState(tmp_path, "pc1")
    state.make(initial("pc1", address="192.0.2.11"))
    return state


def test_a_fresh_pc_has_hyper_v_and_one_external_switch(pc: HostState) -> None:
    state = pc.read()
    assert state["services"]["vmms"] == "Running"
    assert [(switch["name"], switch["type"], switch["adapter"]) for switch in state["switches"]] == [
        ("Lab", "External", "Ethernet")
    ]
    assert {"MicrosoftWindows", "MicrosoftUEFICertificateAuthority"} < set(state["secure_boot_templates"])
    assert (pc.drive / "ISO").is_dir()
    assert (pc.drive / "Lab").is_dir()


def test_making_a_pc_again_keeps_what_it_is(pc: HostState) -> None:
    with pc.change() as state:
        state["notes"].append("kept")
    pc.make(initial("pc1", address="192.0.2.99"))
    assert pc.read()["notes"] == ["kept"]


def test_every_write_gives_another_version_however_quick(pc: HostState) -> None:
    versions = [pc.version()]
    for number in range(20):
        with pc.change() as state:
            state["notes"] = [str(number)]
        versions.append(pc.version())
    assert versions == sorted(set(versions))


def test_a_block_that_changes_nothing_writes_nothing(pc: HostState) -> None:
    before = pc.version()
    with pc.change():
        pass
    assert pc.version() == before


def test_a_failed_change_leaves_the_state_as_it_was(pc: HostState) -> None:
    def fail() -> None:
        with pc.change() as state:
            state["notes"].append("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert pc.read()["notes"] == []


def test_no_change_is_lost_between_writers(pc: HostState) -> None:
    def add() -> None:
        for _ in range(25):
            with pc.change() as state:
                state["memory_used_bytes"] += 1

    before = pc.read()["memory_used_bytes"]
    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pc.read()["memory_used_bytes"] == before + 100


def test_there_is_no_version_before_a_pc_is_made(tmp_path: Path) -> None:
    assert HostState(tmp_path, "pc9").version() == 0


def test_paths_are_found_without_regard_to_case(pc: HostState) -> None:
    (pc.drive / "ISO" / "Rocky.iso").touch()
    assert pc.local(r"c:\iso\rocky.ISO") == pc.drive / "ISO" / "Rocky.iso"
    assert pc.local(r"C:\Lab\New\x.vhdx") == pc.drive / "Lab" / "New" / "x.vhdx"
    assert pc.windows(pc.drive / "Lab" / "x.vhdx") == r"C:\Lab\x.vhdx"


@pytest.mark.parametrize("path", [r"D:\x", "x", r"\\server\share"])
def test_there_is_no_drive_but_c(pc: HostState, path: str) -> None:
    with pytest.raises(NoDriveError):
        pc.local(path)


def test_power_counts_and_forgets_with_the_state() -> None:
    vm = fresh("1", "w1", r"C:\Lab\w1")
    state = {"vms": {"1": vm}}
    set_vm_state(state, "1", "Running")
    set_vm_state(state, "1", "Running")
    assert (vm["power_on_count"], vm["started_at"] is not None) == (1, True)
    vm["shutdown_service"] = True
    set_vm_state(state, "1", "Off")
    assert (vm["state"], vm["started_at"], vm["shutdown_service"]) == ("Off", None, False)


@pytest.mark.parametrize(
    ("notes", "machine"),
    [('{"lab": "lab-7e57", "machine": "w1"}', "w1"), ("", None), ("my VM", None), ("[1]", None), ("{}", None)],
)
def test_a_machine_is_known_by_its_notes(notes: str, machine: str | None) -> None:
    assert machine_of({"notes": notes}) == machine


def test_vms_are_found_by_name_without_regard_to_case() -> None:
    state = {"vms": {"1": {"name": "W1"}}}
    assert vm_by_name(state, "w1") == {"name": "W1"}
    assert vm_by_name(state, "w2") is None
