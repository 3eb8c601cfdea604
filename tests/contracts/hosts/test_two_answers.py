"""The scripts run by PowerShell and their JSON answers: the same words, and the same PC afterwards."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts import cmdlets
from rehearsal.hosts.calls import SCRIPTS, Calls
from rehearsal.hosts.commands import Command
from rehearsal.hosts.launch import Launcher
from rehearsal.hosts.state import HostState, initial, vm_by_name

pytestmark = pytest.mark.powershell

LAB = "lab-7e57"
FOLDER = rf"C:\Lab\{LAB}"
EVERYTHING = ["create", "identity", "cpus", "memory", "policy", "adapters", "disks", "dvd", "secure_boot", "boot"]
NOBODY = "6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001"
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# PowerShell adds the name of the function that called Write-Error; the scripts' contract is what stands before it.
OWN_ID = re.compile(r"^(Lab[A-Z]\w+),[\w-]+$")
CLOCKS = ("time", "started_at", "created_at", "uptime_s")
# What only an engine can know: its version and a script's line.
ENGINE = ("powershell", "line")


@dataclass
class Pair:
    """Two PCs of the same name and past: one runs the scripts, the other answers them."""

    real: HostState
    told: HostState
    pwsh: Path

    def run(self, script: str, **parameters: Any) -> dict[str, Any]:
        """Do the same on both; the answers must be equal but for names that are made up. Returns PowerShell's."""
        text = (SCRIPTS / f"{script}.ps1").read_text(encoding="ascii")
        both = []
        for pc, pwsh in ((self.real, self.pwsh), (self.told, None)):
            given = json.dumps(localized(parameters, pc)).encode() + b"\n" + text.encode()
            both.append(run(Launcher(pc, pwsh, Calls(pc.folder)).start(stub(), {}), given))
        assert plain(both[1]) == plain(both[0])
        assert plain(self.told.read()) == plain(self.real.read())
        assert files(self.told) == files(self.real)
        answer: dict[str, Any] = both[0]
        return answer


def stub() -> str:
    """The client's own command line: the real one, so that it too is held against PowerShell."""
    from labkit.hyperv.powershell import command_line

    return command_line()


def run(command: Command, stdin: bytes) -> dict[str, Any]:
    command.feed(stdin, end=True)
    output = b""
    while (received := command.receive(60)) is not None:
        streams, code = received
        output += b"".join(data for name, data in streams if name == "stdout")
        if code is not None:
            answer: dict[str, Any] = json.loads(output)
            answer.pop("notes", None)
            assert code == (1 if "error" in answer else 0)
            return answer
    raise AssertionError("no end of the command within 60 s")


def localized(value: Any, pc: HostState) -> Any:
    """Put the id that a VM has on this PC in place of `@<VM name>`."""
    if isinstance(value, dict):
        return {key: localized(item, pc) for key, item in value.items()}
    if isinstance(value, list):
        return [localized(item, pc) for item in value]
    if isinstance(value, str) and value.startswith("@"):
        vm = vm_by_name(pc.read(), value[1:])
        assert vm, value
        return vm["id"]
    return value


def plain(value: Any) -> Any:
    """Take out what must differ: ids by the order in which they appear, clocks, the engine's own words."""
    seen: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return seen.setdefault(match[0].lower(), f"<id {len(seen)}>")

    def clean(item: Any) -> Any:
        if isinstance(item, dict) and "vms" in item and isinstance(item["vms"], dict):
            item = {**item, "vms": sorted(item["vms"].values(), key=lambda vm: str(vm["name"]))}
        if isinstance(item, dict):
            own_words = ("message",) if str(item.get("id", "")).startswith("Lab") else ()
            kept = {k: v for k, v in item.items() if k not in CLOCKS + ENGINE + own_words}
            return {GUID.sub(number, key): clean(kept[key]) for key in sorted(kept)}
        if isinstance(item, list):
            return [clean(one) for one in item]
        return GUID.sub(number, OWN_ID.sub(r"\1", item)) if isinstance(item, str) else item

    return clean(value)


def files(pc: HostState) -> dict[str, Any]:
    return {
        GUID.sub("<id>", str(path.relative_to(pc.drive))): content(path) if path.is_file() else None
        for path in sorted(pc.drive.rglob("*"))
    }


def content(path: Path) -> Any:
    text = GUID.sub("<id>", path.read_text(encoding="ascii"))
    return json.loads(text) if path.suffix == ".vhdx" else text


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pwsh = cmdlets.find_pwsh()
    if pwsh is None:
        pytest.skip("no PowerShell: neither LAB_PWSH nor pwsh on the PATH")
    state = initial("pc1", address="192.0.2.11")
    pcs = [HostState(tmp_path / name, "pc1") for name in ("real", "told")]
    for pc in pcs:
        pc.make(state)
        (pc.drive / "ISO" / "rocky.iso").write_text("a DVD")
    return Pair(pcs[0], pcs[1], pwsh)


def mark(disk: str, kind: str, name: str = "w1") -> str:
    return json.dumps({"lab": LAB, "machine": name, "disk": disk, "kind": kind})


def machine(name: str = "w1", **changed: Any) -> dict[str, Any]:
    """One machine as labkit describes it to New-LabMachine."""
    folder = rf"{FOLDER}\{name}"
    networks = (("mgmt", 100), ("internal", 200), ("external", 0))
    return {
        "name": name,
        "vm_name": f"{LAB}-{name}",
        "notes": json.dumps({"lab": LAB, "machine": name}, separators=(",", ":")),
        "id": "",
        "folder": folder,
        "do": EVERYTHING,
        "cpus": 2,
        "memory_bytes": 4 << 30,
        "template": "MicrosoftUEFICertificateAuthority",
        "adapters": [
            {"name": network, "mac": f"027E57{number:02X}0003", "vlan": vlan, "guard": True}
            for number, (network, vlan) in enumerate(networks)
        ],
        "disks": [
            {
                "kind": kind,
                "path": rf"{folder}\{kind}-{disk}.vhdx",
                "size_bytes": 40 << 30,
                "mark": mark(disk, kind, name),
            }
            for kind, disk in (("system", "1f2e3d4c"), ("data", "1f2e3d4d"))
        ],
        "dvd": r"C:\ISO\rocky.iso",
    } | changed


def create(pair: Pair, *machines: dict[str, Any]) -> list[dict[str, Any]]:
    answer = pair.run("New-LabMachine", Lab=LAB, SwitchName="Lab", Machine=list(machines))
    asked: list[dict[str, Any]] = answer["machines"]
    return asked


def look(pair: Pair) -> dict[str, Any]:
    return pair.run("Get-LabHost", Lab=LAB, LabPath=FOLDER, IsoPath=r"C:\ISO\rocky.iso")


def set_both(pair: Pair, name: str, **properties: Any) -> None:
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            vm = vm_by_name(state, f"{LAB}-{name}")
            assert vm
            vm.update(properties)


def test_a_fresh_pc_is_read_alike(pair: Pair) -> None:
    answer = look(pair)
    assert (answer["service"], answer["vms"], answer["iso"]) == ("Running", [], True)


def test_a_machine_is_created_and_read_alike(pair: Pair) -> None:
    assert create(pair, machine())[0]["error"] is None
    detail = look(pair)["vms"][0]["detail"]
    assert [entry["type"] for entry in detail["boot"]] == ["Drive", "Network"]
    assert [adapter["vlan"] for adapter in detail["adapters"]] == [100, 200, 0]


def test_creating_again_changes_nothing(pair: Pair) -> None:
    create(pair, machine())
    before = pair.real.read()
    create(pair, machine(id=f"@{LAB}-w1"))
    assert pair.real.read() == before


def test_adapters_are_repaired_alike(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            adapters = vm_by_name(state, f"{LAB}-w1")["adapters"]  # type: ignore[index]
            adapters[0].update(mac="0200DEADBEEF", switch=None, vlan=None, dhcp_guard=False)
            adapters[1]["name"] = "renamed by hand"
    create(pair, machine(id=f"@{LAB}-w1", do=["adapters"]))
    assert [adapter["name"] for adapter in look(pair)["vms"][0]["detail"]["adapters"]] == [
        "mgmt",
        "external",
        "internal",
    ]


def test_a_lost_vm_gets_its_disks_again(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            state["vms"].clear()
    before = {path: text for path, text in files(pair.real).items() if path.endswith(".vhdx")}
    assert create(pair, machine())[0]["error"] is None
    assert {path: text for path, text in files(pair.real).items() if path.endswith(".vhdx")} == before


def test_a_foreign_vm_of_that_name_is_refused(pair: Pair) -> None:
    create(pair, machine())
    set_both(pair, "w1", notes="mine, hands off", path=r"D:\elsewhere")
    assert create(pair, machine())[0]["error"]["id"].startswith("LabNameTaken")
    refused = create(pair, machine(id=f"@{LAB}-w1", do=["memory"]))
    assert refused[0]["error"]["id"].startswith("LabNotOurs")


def test_one_refused_machine_keeps_nobody_else_from_being_made(pair: Pair) -> None:
    answers = create(pair, machine("w1", memory_bytes=(4 << 30) + 1), machine("w2"))
    assert [bool(answer["error"]) for answer in answers] == [True, False]


@pytest.mark.parametrize(
    ("step", "changed", "error_id"),
    [
        ("cpus", {"cpus": 4}, "InvalidState"),
        ("secure_boot", {}, "InvalidState"),
        ("boot", {}, "InvalidState"),
        ("memory", {"memory_bytes": 3 << 30}, None),
        ("policy", {}, None),
        ("identity", {"vm_name": "another"}, None),
    ],
)
def test_a_running_machine_refuses_alike(pair: Pair, step: str, changed: dict[str, Any], error_id: str | None) -> None:
    create(pair, machine())
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    answer = create(pair, machine(id=f"@{LAB}-w1", do=[step], **changed))[0]
    assert (answer["error"]["id"].partition(",")[0] if answer["error"] else None) == error_id


@pytest.mark.parametrize("changed", [{"template": "Nothing"}, {"dvd": r"C:\ISO\none.iso"}, {"cpus": 400}])
def test_wrong_values_are_refused_alike(pair: Pair, changed: dict[str, Any]) -> None:
    assert create(pair, machine(**changed))[0]["error"] is not None


def test_an_unknown_switch_is_refused_before_anything_is_made(pair: Pair) -> None:
    answer = pair.run("New-LabMachine", Lab=LAB, SwitchName="None", Machine=[machine()])
    assert answer["error"]["id"].startswith("LabSwitchMissing")
    assert pair.real.read()["vms"] == {}


def test_starting_is_answered_alike(pair: Pair) -> None:
    create(pair, machine())
    first = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1", NOBODY])
    assert [one["changed"] for one in first["machines"]] == [["started"], []]
    again = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert again["changed"] is False
    assert pair.run("Start-LabMachine", Lab="lab-0000", Id=[f"@{LAB}-w1"])["machines"][0]["error"]


@pytest.mark.parametrize(
    ("properties", "error_id"),
    [
        ({"memory_bytes": 64 << 30}, "OutOfMemory"),
        ({"drives": [{"id": "gone", "path": r"C:\Lab\gone.vhdx", "controller": 0, "location": 0}]}, "Unspecified"),
        ({"state": "Stopping"}, "InvalidState"),
    ],
)
def test_a_start_is_refused_alike(pair: Pair, properties: dict[str, Any], error_id: str) -> None:
    create(pair, machine())
    set_both(pair, "w1", **properties)
    answer = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert answer["machines"][0]["error"]["id"].startswith(error_id)


def test_a_mac_that_runs_already_is_refused_alike(pair: Pair) -> None:
    create(pair, machine("w1"), machine("w2"))
    answer = pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1", f"@{LAB}-w2"])
    assert [bool(one["error"]) for one in answer["machines"]] == [False, True]


def test_stopping_is_answered_alike(pair: Pair) -> None:
    create(pair, machine())
    pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    asked = pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    assert asked["machines"][0]["error"]["id"] == "InvalidOperation,Microsoft.HyperV.PowerShell.Commands.StopVM"
    cut = pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"], CutPower=True)
    assert cut["machines"][0]["state"] == "Off"
    assert pair.run("Stop-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])["changed"] is False


@pytest.mark.parametrize("running", [True, False])
def test_a_reset_gives_a_fresh_disk_alike(pair: Pair, running: bool) -> None:
    create(pair, machine())
    if running:
        pair.run("Start-LabMachine", Lab=LAB, Id=[f"@{LAB}-w1"])
    folder = rf"{FOLDER}\w1"
    wanted = {
        "name": "w1",
        "id": f"@{LAB}-w1",
        "folder": folder,
        "discard": [{"path": rf"{folder}\system-1f2e3d4c.vhdx", "mark": mark("1f2e3d4c", "discarded")}],
        "disk": {"path": rf"{folder}\system-0a0a0a0a.vhdx", "size_bytes": 40 << 30, "mark": mark("0a0a0a0a", "system")},
    }
    answer = pair.run("Reset-LabMachine", Lab=LAB, Machine=[wanted])
    assert answer["machines"][0]["changed"] == ["stopped", "disk", "deleted"][not running :]
    assert [disk["mark"]["disk"] for disk in look(pair)["disks"]] == ["1f2e3d4d", "0a0a0a0a"]


@pytest.mark.parametrize("gone", [False, True])
def test_removing_leaves_the_data_disk_alike(pair: Pair, gone: bool) -> None:
    create(pair, machine())
    delete = [rf"{FOLDER}\w1\system-1f2e3d4c.vhdx"]
    wanted = {"name": "w1", "id": f"@{LAB}-w1", "folder": rf"{FOLDER}\w1", "delete": delete}
    if gone:
        for pc in (pair.real, pair.told):
            with pc.change() as state:
                state["vms"].clear()
        wanted["id"] = ""
    answer = pair.run("Remove-LabMachine", Lab=LAB, Machine=[wanted])
    assert answer["machines"][0]["changed"] == ["removed", "deleted"][gone:]
    assert [disk["mark"]["kind"] for disk in look(pair)["disks"]] == ["data"]


def test_a_stopped_service_is_told_alike(pair: Pair) -> None:
    create(pair, machine())
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            state["services"]["vmms"] = "Stopped"
    assert look(pair)["service"] == "Stopped"
    error = pair.run("New-LabMachine", Lab=LAB, SwitchName="Lab", Machine=[machine()])["error"]
    assert error["category"] == "ObjectNotFound"
    wanted = {"name": "w1", "id": NOBODY, "folder": rf"{FOLDER}\w1", "delete": []}
    assert pair.run("Remove-LabMachine", Lab=LAB, Machine=[wanted])["error"]["category"] == "ObjectNotFound"
    for script in ("Start", "Stop"):
        answer = pair.run(f"{script}-LabMachine", Lab=LAB, Id=[NOBODY])
        assert answer["machines"][0]["error"]["category"] == "ObjectNotFound"
