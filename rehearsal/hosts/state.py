"""What a stand-in Windows PC is at this moment: one JSON file a host, changed under a lock.

Two parties change it: the model of a PC (pc/), for the stand-in cmdlets and the JSON answers, and the room, which runs
the guests. Readers need no lock, the cmdlets in PowerShell among them: the file is replaced in one step.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

Json = dict[str, Any]

TEMPLATES = {
    "MicrosoftWindows": "1734c6e8-3154-4dda-ba5f-a874cc483422",
    "MicrosoftUEFICertificateAuthority": "272e7447-90a4-4563-a4b9-8e4ab00526ce",
    "OpenSourceShieldedVM": "4292ae2b-ee2c-42b5-a969-dd8f8689f6f3",
}
GIB = 1024**3
# The features of Windows that Hyper-V is made of, as far as the lab needs them; the first holds the two that follow.
HYPERV = (
    "Microsoft-Hyper-V", "Microsoft-Hyper-V-Hypervisor", "Microsoft-Hyper-V-Services",
    "Microsoft-Hyper-V-Management-PowerShell",
)  # fmt: skip


class NoDriveError(LookupError):
    """A path on a drive that the PC does not have."""


class HostState:
    """One PC below the rehearsal's root folder: `hosts/<pc>/state.json`, `state.lock`, drive `C/`.

    `winrm.pem`, where the PC was prepared with HTTPS, is the certificate of its WinRM with the key.
    """

    def __init__(self, root: Path, host: str) -> None:
        self.host = host
        self.folder = root / "hosts" / host
        self.path = self.folder / "state.json"
        self.drive = self.folder / "C"
        self.certificate = self.folder / "winrm.pem"

    def read(self) -> Json:
        """Return the whole state as it is now; FileNotFoundError when the PC was never made."""
        state: Json = json.loads(self.path.read_text(encoding="utf-8"))
        return state

    @contextmanager
    def change(self) -> Iterator[Json]:
        """Give the state to be changed in place, under the lock; written in one step unless the block raises."""
        with (self.folder / "state.lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.path.read_text(encoding="utf-8")
            state: Json = json.loads(before)
            yield state
            self._write(state, before)

    def version(self) -> int:
        """Return a number that changes with every write (nanoseconds), 0 when the PC was never made."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def make(self, state: Json) -> None:
        """Make the PC's folder, its drive C: and its first state; an existing PC is left as it is."""
        for name in ("ISO", "Lab", "Program Files"):
            (self.drive / name).mkdir(parents=True, exist_ok=True)
        with (self.folder / "state.lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.path.exists():
                self._write(state, "")

    def local(self, path: str) -> Path:
        """Return where a Windows path (`C:\\Lab\\x`) really lies; NoDriveError for any other drive."""
        windows = PureWindowsPath(path)
        if windows.drive.upper() != "C:":
            raise NoDriveError(f"{self.host} has no drive {windows.drive or path!r}")
        return find(self.drive, windows.parts[1:])

    def windows(self, path: Path) -> str:
        """Return the Windows path of a file on drive C:."""
        return str(PureWindowsPath("C:/", *path.relative_to(self.drive).parts))

    def _write(self, state: Json, before: str) -> None:
        text = json.dumps(state)  # in one line: only then the encoder is C, and a call makes hundreds of changes
        if text == before:
            return
        fresh = self.path.with_name(f"state.json.{os.getpid()}.new")
        fresh.write_text(text, encoding="utf-8")
        # Two writes within one tick of the file system's clock would look like none to who watches `version`.
        earliest = self.version() + 1000
        if fresh.stat().st_mtime_ns < earliest:
            os.utime(fresh, ns=(earliest, earliest))
        fresh.replace(self.path)


def find(folder: Path, parts: tuple[str, ...]) -> Path:
    """Follow `parts` below `folder` without regard to case, as NTFS does; what does not exist keeps its spelling."""
    for part in parts:
        exact = folder / part
        if not exact.exists() and folder.is_dir():
            same = (entry for entry in folder.iterdir() if entry.name.lower() == part.lower())
            exact = next(same, exact)
        folder = exact
    return folder


def initial(host: str, *, address: str, memory_bytes: int = 16 * GIB, prefix: int = 24) -> Json:
    """Describe a fresh PC: Windows 11 Pro with Hyper-V on, one wired adapter carrying the External switch "Lab".

    `address`/`prefix` is the PC's own address, which Windows moves to the switch's management adapter.
    """
    number = sum(host.encode()) % 256
    adapter = "Realtek PCIe GbE Family Controller"
    mac = f"F44D30{number:02X}A0{number:02X}"
    management = "vEthernet (Lab)"
    return {
        "host": host,
        "computer_name": host.upper(),
        "os": {"caption": "Microsoft Windows 11 Pro", "version": "10.0.26100", "build": "26100", "sku": 48},
        "cpu": {
            "name": "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz", "cores": 6, "logical": 6,
            "id": "Intel64 Family 6 Model 158 Stepping 10", "architecture": 9,
        },
        "hypervisor": True,
        "memory_bytes": memory_bytes,
        "memory_used_bytes": 4 * GIB,  # by Windows 11 itself and what it starts, whatever is built in
        "volume": {"letter": "C", "size_bytes": 512 * GIB, "used_bytes": 112 * GIB},
        "services": {"vmms": "Running", "WinRM": "Running"},
        "features": dict.fromkeys(HYPERV, "Enabled"),
        "secure_boot_templates": TEMPLATES,
        "vm_path": "C:\\ProgramData\\Microsoft\\Windows\\Hyper-V",
        "vhd_path": "C:\\ProgramData\\Microsoft\\Windows\\Virtual Hard Disks",
        "adapters": [
            {"name": "Ethernet", "description": adapter, "mac": mac, "status": "Up", "index": 12, "physical": True,
             "medium": "802.3", "guid": str(uuid.uuid4()), "speed_bps": 10**9},
            {"name": management, "description": "Hyper-V Virtual Ethernet Adapter", "mac": mac, "status": "Up",
             "index": 21, "physical": False, "medium": "Unspecified", "guid": str(uuid.uuid4()), "speed_bps": 10**9},
        ],
        "addresses": [{"adapter": management, "address": address, "prefix": prefix, "origin": "Manual"}],
        "neighbors": [],
        "routes": [{"adapter": management, "prefix": "0.0.0.0/0", "gateway": f"{address.rpartition('.')[0]}.1"}],
        "dns": [{"adapter": management, "servers": [f"{address.rpartition('.')[0]}.1"]}],
        "profiles": {
            "21": {"InterfaceIndex": 21, "InterfaceAlias": management, "NetworkCategory": "Private"},
        },
        "registry": {},
        "start_types": {"WinRM": "Automatic"},
        "sleep_s": 0,
        "switches": [
            {"id": str(uuid.uuid4()), "name": "Lab", "type": "External", "adapter": "Ethernet",
             "adapter_description": adapter, "allow_management_os": True, "notes": ""},
        ],
        "vms": {},
        "notes": [],
    }  # fmt: skip


def machine_of(vm: Json) -> str | None:
    """Return the lab machine that a VM's Notes name, or None for a VM without the lab's mark."""
    try:
        mark = json.loads(vm["notes"])
    except ValueError:
        return None
    return str(mark["machine"]) if isinstance(mark, dict) and "machine" in mark else None


def vm_by_name(state: Json, name: str) -> Json | None:
    """Return the VM of that name (Hyper-V compares without case), the first of several, None when there is none."""
    return next((vm for vm in state["vms"].values() if vm["name"].lower() == name.lower()), None)


def set_vm_state(state: Json, vm_id: str, to: str) -> None:
    """Move a VM to `Running`, `Stopping` or `Off` with the counters that belong to it; KeyError when it is gone."""
    vm = state["vms"][vm_id]
    if to == "Running" and vm["state"] != "Running":
        vm["power_on_count"] += 1
        vm["started_at"] = time.time()
    if to in ("Off", "Saved"):
        vm["started_at"] = None
        vm["heartbeat"] = "NoContact"
        vm["shutdown_service"] = False
    vm["state"] = to
