"""A stand-in for the way to the hosts: it counts calls and answers as healthy hosts of the rehearsal's lab do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from labkit.controller.secrets import Secret
from labkit.description.lab import Host, Lab
from labkit.errors import LabError
from labkit.hyperv.hosts import Hosts
from labkit.hyperv.specs import GB, SECURE_BOOT_TEMPLATE, DiskKind, MachineSpec, disk_mark, specs
from labkit.project import POWERSHELL
from labkit.session import Session
from labkit.transport.powershell import PRELUDE, script_text
from labkit.transport.winrm import Output

Answer = dict[str, Any]
CHANGING = ("New-LabMachine", "Reset-LabMachine", "Remove-LabMachine", "New-LabCheckpoint", "Remove-LabCheckpoint")
SCRIPTS = [file.stem for file in POWERSHELL.glob("*-Lab*.ps1")]


def vm_row(spec: MachineSpec) -> Answer:
    """A VM exactly as described, switched off."""
    drives = [{"id": f"drive-{disk['mark']['kind']}", "path": disk["path"]} for disk in disk_rows(spec)]
    adapters: list[Answer] = [
        {
            "id": f"nic-{a.name}", "name": a.name, "mac": a.mac, "dynamic_mac": False, "switch": a.switch,
            "vlan_mode": "Access" if a.vlan else "Untagged", "vlan": a.vlan or 0, "dhcp_guard": a.is_guarded,
            "router_guard": a.is_guarded, "addresses": [],
        }
        for a in spec.adapters
    ]  # fmt: skip
    detail = {
        "cpus": spec.cpus, "dynamic_memory": False, "start_action": "StartIfRunning",
        "stop_action": "ShutDown", "automatic_checkpoints": False, "checkpoints": [], "secure_boot": True,
        "template": SECURE_BOOT_TEMPLATE, "adapters": adapters, "drives": drives,
        "dvds": [{"id": "dvd", "path": spec.dvd}] if spec.dvd else [],
        "boot": [{"type": "Drive", "id": "drive-system"}, {"type": "Network", "id": "nic-mgmt"}],
    }  # fmt: skip
    return {
        "id": f"00000000-0000-0000-0000-00000000000{spec.adapters[0].mac[-1]}", "name": spec.vm_name, "state": "Off",
        "notes": spec.notes, "path": f"{spec.folder}\\{spec.vm_name}", "generation": 2,
        "memory_bytes": spec.memory_bytes, "assigned_bytes": 0, "uptime_s": 0,
        "macs": [a.mac for a in spec.adapters], "detail": detail,
    }  # fmt: skip


def disk_rows(spec: MachineSpec) -> list[Answer]:
    sizes: dict[DiskKind, int | None] = {"system": spec.system_disk_bytes, "data": spec.data_disk_bytes}
    rows: list[Answer] = []
    for kind, size in sizes.items():
        disk = f"{kind == 'system':d}000000{spec.adapters[0].mac[-1]}"
        mark = json.loads(disk_mark(spec.lab, spec.name, disk, kind))
        rows += [{"path": spec.disk_path(kind, disk), "size_bytes": size, "mark": mark}] if size else []
    return rows


def host_answer(lab: Lab, host: Host, *, built: bool) -> Answer:
    """What Get-LabHost answers on a suitable host, with all of its machines or none."""
    own = [spec for spec in specs(lab) if spec.host == host.name] if built else []
    return {
        "changed": False,
        "host": {
            "name": host.name.upper(), "powershell": "5.1.22621.4391", "windows_build": 22631,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "memory_bytes": 16 * GB, "free_memory_bytes": 12 * GB, "processors": 8,
            "cpu": "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz", "cpu_id": "Intel64 Family 6 Model 158 Stepping 10",
            "architecture": 9, "hypervisor": True,
        },
        "service": "Running", "refusal": None, "feature": None,
        "readiness": {
            "probed": True, "neighbours": [], "full_rights": True, "sleep_s": 0, "media": "SSD",
            "file_system": "NTFS", "packed": False,
            "bridged": [], "vlans": [], "nats": [],
            "profiles": [{"index": 9, "category": "Private"}],
            "rules": [{"name": "hyperv-k8s-lab-winrm-5986", "opens": True, "public": True, "from": ["LocalSubnet"]}],
        },
        "templates": ["MicrosoftWindows", SECURE_BOOT_TEMPLATE],
        "switches": [
            {"id": f"switch-{one.name}", "name": one.name, "type": one.type, "adapter_descriptions": [],
             "adapter_ids": ["a1"] if one.type == "External" else []}
            for one in lab.switches
        ],
        "adapters": [
            {"id": "a1", "index": 4, "name": "Ethernet", "description": "Wired", "mac": "A0B1C2D3E4F5", "up": True,
             "hardware": True, "type": 6, "vlan": 0},
        ],
        "addresses": [{"index": 9, "address": host.address}], "free_bytes": 400 * GB, "iso": True,
        "disks": [row for spec in own for row in disk_rows(spec)],
        "vms": [vm_row(spec) for spec in own],
    }  # fmt: skip


class Pcs:
    """The two PCs: what each answers to each script, and every call that was made."""

    def __init__(self, lab: Lab, built: bool) -> None:
        self.answers: dict[str, Answer] = {host.name: host_answer(lab, host, built=built) for host in lab.hosts}
        self.calls: list[tuple[str, str, Answer]] = []
        self.replies: dict[str, Callable[[str, Answer], Answer | LabError]] = {
            "Get-LabHost": lambda h, _: self.answers[h]
        }

    def connect(self, host: Host, password: Secret) -> Link:
        return Link(self, host.name)

    def vm(self, machine: str) -> Answer:
        """The row of a machine's VM, to be changed by a test."""
        rows = [row for answer in self.answers.values() for row in answer["vms"]]
        return next(row for row in rows if row["name"].endswith(f"-{machine}"))

    def disk(self, machine: str) -> Answer:
        """The row of a machine's system disk, likewise."""
        rows = [row for answer in self.answers.values() for row in answer["disks"]]
        return next(row for row in rows if row["mark"]["machine"] == machine and row["mark"]["kind"] == "system")

    def made(self, script: str) -> list[tuple[str, Answer]]:
        return [(host, parameters) for host, name, parameters in self.calls if name == script]


def parameters_of(script: str) -> tuple[set[str], set[str]]:
    """The names in a script's param block: those that must be given, and all."""
    block = script_text(script).partition("\nparam(")[2].partition("\n)")[0]
    names = re.findall(r"\$(\w+)(?=,|$)", block, re.MULTILINE)
    return set(re.findall(r"Mandatory = \$true.*\$(\w+)", block)), set(names) - {"true"}


class Link:
    """One PC at the transport: takes the stub's standard input apart."""

    def __init__(self, pcs: Pcs, host: str) -> None:
        self.pcs, self.host = pcs, host

    def run(self, command: str, stdin: bytes, deadline_s: float) -> Output:
        first, _, texts = stdin.partition(b"\n")
        prelude, *scripts = texts.split(b"\f")
        assert prelude == script_text(PRELUDE).encode()
        names = [next(name for name in SCRIPTS if script_text(name).encode() == one) for one in scripts]
        given = json.loads(first)
        for name, own in zip(names, given, strict=True):
            mandatory, known = parameters_of(name)
            assert mandatory <= set(own) <= known
        assert len(names) == 1 or all(name.startswith("Get-") for name in names)
        script, parameters = names[0], given[0]  # the answer of the first holds what the others would add
        self.pcs.calls.append((self.host, script, parameters))
        reply = self.pcs.replies[script](self.host, parameters)
        if isinstance(reply, LabError):
            raise reply
        return Output(json.dumps(reply).encode("ascii") + b"\r\n", b"#< CLIXML\r\n<Objs></Objs>", 0)


def done(host: str, parameters: Answer) -> Answer:
    """The answer of New-LabMachine, or of one that is asked alike, when all went well."""
    rows = [
        {"name": m["name"], "id": m["id"] or "fresh", "state": "Off", "changed": m.get("do", ["done"]), "error": None}
        for m in parameters["Machine"]
    ]
    return {"changed": True, "machines": rows}


@pytest.fixture
def pcs(lab: Lab) -> Pcs:
    """Two PCs that carry the whole lab as described."""
    return Pcs(lab, built=True)


@pytest.fixture
def bare_pcs(lab: Lab) -> Pcs:
    """Two suitable PCs without any VM."""
    return Pcs(lab, built=False)


@pytest.fixture
def on(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[Pcs], Session]:
    """Connect the session to stand-in PCs; every changing script succeeds unless the test says otherwise."""
    monkeypatch.setenv("LAB_PASSWORD", "unused")

    def connect(pcs: Pcs) -> Session:
        for script in CHANGING:
            pcs.replies.setdefault(script, done)
        session.__dict__["hosts"] = Hosts(session.lab, session.journal, pcs.connect)
        return session

    return connect
