"""Two stand-in PCs with one past: one runs the scripts in PowerShell, the other answers them by JSON contract."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.transport.powershell import command_line, payload_of_all
from rehearsal.hosts.answers import changes
from rehearsal.hosts.calls import Calls
from rehearsal.hosts.commands import Command
from rehearsal.hosts.launch import Launcher
from rehearsal.hosts.state import HostState, Json, initial, vm_by_name

LAB = "lab-7e57"
FOLDER = rf"C:\Lab\{LAB}"
EVERYTHING = ["create", "identity", "cpus", "memory", "policy", "adapters", "disks", "dvd", "secure_boot", "boot"]
PROBED = ["192.0.2.100", "192.0.2.101"]
PATIENCE_S = 120  # on a computer that does much else
NOBODY = "6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001"
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# PowerShell adds the name of the function that called Write-Error; the scripts' contract is what stands before it.
OWN_ID = re.compile(r"^(Lab[A-Z]\w+),[\w-]+$")
CLOCKS = (
    "time", "started_at", "created_at", "uptime_s", "merging_until", "network_down_until", "deadline", "from",
    "identifying_until",
)  # fmt: skip
# What only an engine can know: its version, and a script's line.
ENGINE = ("powershell", "line", "script")


@dataclass
class Pair:
    """Two PCs of the same name and past: one runs the scripts, the other answers them."""

    real: HostState
    told: HostState
    pwsh: Path

    def run(self, script: str, **parameters: Any) -> dict[str, Any]:
        """Do the same on both; the answers must be equal but for names that are made up. Returns PowerShell's."""
        both = []
        for pc, pwsh in ((self.real, self.pwsh), (self.told, None)):
            given = payload_of_all({script: localized(parameters, pc)})
            both.append(run(Launcher(pc, pwsh, Calls(pc.folder)).start(command_line(), {}), given))
        assert plain(both[1]) == plain(both[0])
        assert plain(self.told.read()) == plain(self.real.read())
        assert files(self.told) == files(self.real)
        answer: dict[str, Any] = both[0]
        return answer


def two_pcs(folder: Path, pwsh: Path) -> Pair:
    """Two fresh PCs with a DVD."""
    state = initial("pc1", address="192.0.2.11")
    pcs = [HostState(folder / name, "pc1") for name in ("real", "told")]
    for pc in pcs:
        pc.make(state)
        (pc.drive / "ISO" / "rocky.iso").write_text("a DVD")
    return Pair(pcs[0], pcs[1], pwsh)


def two_pcs_with(folder: Path, pwsh: Path, *machines: dict[str, Any]) -> Pair:
    """Two PCs of one past that carry these machines; nobody had to wait for PowerShell to make them."""
    pair = two_pcs(folder, pwsh)
    made = changes.new_lab_machine(pair.told, {"Lab": LAB, "Machine": list(machines)})
    assert not [one for one in made["machines"] if one["error"]]
    shutil.copytree(pair.told.folder, pair.real.folder, dirs_exist_ok=True)
    return pair


def run(command: Command, stdin: bytes) -> dict[str, Any]:
    command.feed(stdin, end=True)
    output = b""
    while (received := command.receive(PATIENCE_S)) is not None:
        streams, code = received
        output += b"".join(data for name, data in streams if name == "stdout")
        if code is not None:
            answer: dict[str, Any] = json.loads(output)
            answer.pop("notes", None)
            assert code == (1 if "error" in answer else 0)
            return answer
    raise AssertionError(f"no end of the command within {PATIENCE_S} s")


def localized(value: Any, pc: HostState) -> Any:
    """Put the id that a VM or a switch has on this PC in place of `@<its name>`."""
    if isinstance(value, dict):
        return {key: localized(item, pc) for key, item in value.items()}
    if isinstance(value, list):
        return [localized(item, pc) for item in value]
    if isinstance(value, str) and value.startswith("@"):
        state = pc.read()
        switches = [one for one in state["switches"] if one["name"] == value[1:]]
        found = vm_by_name(state, value[1:]) or (switches[0] if switches else None)
        assert found, value
        return found["id"]
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
    """What lies on a PC's drive; files whose names differ only in ids stand together."""
    found: dict[str, Any] = {}
    for path in sorted(pc.drive.rglob("*")):
        name = GUID.sub("<id>", str(path.relative_to(pc.drive)))
        found.setdefault(name, []).append(content(path) if path.is_file() else None)
    return {name: sorted(contents, key=json.dumps) for name, contents in found.items()}


def content(path: Path) -> Any:
    if path.name.startswith("switch"):
        told = json.loads(path.read_text(encoding="utf-8-sig"))
        return {key: told[key] for key in sorted(told) if key != "deadline"}
    if path.suffix == ".iso":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    text = GUID.sub("<id>", path.read_text(encoding="ascii"))
    return json.loads(text) if path.suffix in (".vhdx", ".avhdx") else text.strip()


def mark(disk: str, kind: str, name: str = "w1") -> str:
    return json.dumps({"lab": LAB, "machine": name, "disk": disk, "kind": kind})


def machine(name: str = "w1", switch: str = "Lab", **changed: Any) -> dict[str, Any]:
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
            {"name": network, "mac": f"027E57{number:02X}0003", "switch": switch, "vlan": vlan, "guard": True}
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
    answer = pair.run("New-LabMachine", Lab=LAB, Machine=list(machines))
    asked: list[dict[str, Any]] = answer["machines"]
    return asked


def look(pair: Pair) -> dict[str, Any]:
    return pair.run("Get-LabHost", Lab=LAB, LabPath=FOLDER, IsoPath=r"C:\ISO\rocky.iso")


def ask_readiness(pair: Pair) -> dict[str, Any]:
    readiness: dict[str, Any] = pair.run("Get-LabReadiness", Lab=LAB, LabPath=FOLDER, Probe=PROBED)["readiness"]
    return readiness


def change_both(pair: Pair, change: Callable[[Json], object]) -> None:
    """Do something to both PCs behind the lab's back."""
    for pc in (pair.real, pair.told):
        with pc.change() as state:
            change(state)


def set_both(pair: Pair, name: str, **properties: Any) -> None:
    def change(state: Json) -> None:
        vm = vm_by_name(state, f"{LAB}-{name}")
        assert vm
        vm.update(properties)

    change_both(pair, change)
