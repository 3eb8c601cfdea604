"""A bootstrap server's network boot and machines that start from it, in namespaces that the caller made for it.

The server is the base image's own dnsmasq and nginx, with the lab's rendered files at their real paths.
"""

from __future__ import annotations

import base64
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.description.lab import Lab, Machine
from labkit.pxe import files
from rehearsal.room import base, disk, firmware, initrd, network
from rehearsal.room.command import run
from rehearsal.room.layout import LAN_BRIDGE, Layout
from rehearsal.room.vm import UEFI_TEMPLATE, Adapter, Vm
from rehearsal.upstream import boot
from rehearsal.upstream.hidden import STORE

DEADLINE_S = 240
POLL_S = 0.3
# A test's own disk was started; GRUB has no kernel to start.
ENDS = (b"THIS DISK BOOTS", b"you need to load the kernel first")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8 boot-test"
TFTP = "var/lib/tftpboot"
TREE = "srv/lab/rocky"
SERVED = {  # by TFTP, from the install tree
    "shimx64.efi": "EFI/BOOT/BOOTX64.EFI",
    "grubx64.efi": "EFI/BOOT/grubx64.efi",
    "images/vmlinuz": "images/pxeboot/vmlinuz",
    "images/initrd.img": "images/pxeboot/initrd.img",
}
Seen = dict[str, Any]


class Site:
    """The server below `folder`/root, and what its machines did."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder, self.root = folder, folder / "root"
        self.lab = replace(lab, rocky=lab.rocky.model_copy(update={"tree_url": None}))
        self._cache = Layout.default().cache

    def lay_out(self) -> None:
        """Put the boot files and everything that is rendered where dnsmasq and nginx look."""
        for layer in ("upper", "work"):
            (self.folder / "layers" / layer).mkdir(parents=True)
        disk.mount_layers(base.image(self._cache), self.folder / "layers", self.root)
        tree = {**boot.files(self._cache), "images/pxeboot/initrd.img": initrd.build(self._cache)}
        for path, data in tree.items():
            self.write(f"{TREE}/{path}", data)
        for name, path in SERVED.items():
            self.write(f"{TFTP}/{name}", tree[path])
        for name in ("grub.cfg", "grub/grub.cfg"):
            self.write(f"{TFTP}/{name}", files.grub_dispatcher(self.lab))
        for machine in self.lab.installed_by_network:
            self.write(self.grub_file(machine), files.grub_install(self.lab, machine))
            self.write(f"srv/lab/ks/{machine.name}.cfg", files.kickstart(self.lab, machine, KEY))
        rendered = files.services(self.lab)
        self.write("etc/dnsmasq.conf", rendered["dnsmasq.conf"])
        self.write("etc/nginx/nginx.conf", rendered["nginx.conf"])
        for folder in ("var/cache/lab", "var/log/lab", "var/log/nginx"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def grub_file(machine: Machine) -> str:
        """Where a machine's own GRUB file lies, below the root."""
        return f"{TFTP}/grub/machines/{machine.mgmt.mac_dashed}.cfg"

    def write(self, path: str, data: bytes | str) -> None:
        """Write a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def serve(self) -> None:
        """Start dnsmasq and nginx at the server's address on MGMT."""
        network.plug_taps(self.vm(self.lab.machine("w1")))  # makes the bridges
        run(["ip", "link", "set", "lo", "up"])
        bridge = f"br-vlan{self.lab.mgmt.vlan}"
        run(["ip", "address", "add", f"{self.lab.bootstrap.mgmt.address}/24", "dev", bridge])
        run(["mount", "-t", "devtmpfs", "dev", self.root / "dev"])
        for program in ("dnsmasq", "nginx"):
            run(["chroot", self.root, f"{STORE}/usr/sbin/{program}"])

    def vm(self, machine: Machine, *, networks: int = 3, secure_boot: bool = True, mac: str | None = None) -> Vm:
        """The VM of a machine, with its first adapters; `mac` gives its first one another address."""
        bridges = (f"br-vlan{self.lab.mgmt.vlan}", f"br-vlan{self.lab.internal.vlan}", LAN_BRIDGE)
        links = [
            Adapter(link.network.name, link.network.name, link.mac, bridge)
            for link, bridge in zip(machine.interfaces, bridges, strict=True)
        ][:networks]
        if mac:
            links[0] = replace(links[0], mac=mac)
        number = machine.number + (100 if mac else 0)
        return Vm(
            f"b00{number:05d}-0000-4000-8000-000000000000", machine.host, machine.vm_name, self.lab.name, machine.name,
            "Running", 1, tuple(links), (), (), secure_boot, UEFI_TEMPLATE,
            memory_bytes=machine.memory_mb << 20,
        )  # fmt: skip

    def power_on(self, vms: dict[str, Vm], disks: dict[str, Path] | None = None) -> dict[str, Seen]:
        """Start all at once, each from its first adapter; return what was seen of each, by its name here.

        `disks`: images of disks, which come before the adapter in the boot order, as the lab's do.
        """
        begin, guests = time.monotonic(), {}
        for name, vm in vms.items():
            folder = self.folder / "guests" / name
            folder.mkdir(parents=True)
            command = firmware.from_network(vm, vm.adapters[0], network.plug_taps(vm), folder)
            if image := (disks or {}).get(name):
                command = [word.replace(",bootindex=0", ",bootindex=1") for word in command]
                command += ["-drive", f"if=none,id=disk,format=raw,snapshot=on,file={image}"]
                command += ["-device", "virtio-blk-pci,drive=disk,bootindex=0"]
            guests[name] = subprocess.Popen(command)
        seconds: dict[str, float] = {}
        while len(seconds) < len(guests) and time.monotonic() - begin < DEADLINE_S:
            time.sleep(POLL_S)
            for name, guest in guests.items():
                if name not in seconds and (guest.poll() is not None or self._is_over(name)):
                    seconds[name] = time.monotonic() - begin
        for guest in guests.values():
            guest.kill()
            guest.wait()
        return {name: self._seen(name, seconds.get(name, DEADLINE_S)) for name in vms}

    def _is_over(self, name: str) -> bool:
        log = self.folder / "guests" / name / "firmware.log"
        said = log.read_bytes() if log.exists() else b""
        return firmware.gave_up(said) or any(words in said for words in ENDS)

    def _seen(self, name: str, seconds: float) -> Seen:
        folder = self.folder / "guests" / name
        fetched = firmware.handed_over((folder / "handed-over").read_text(encoding="utf-8"))
        return {
            "seconds": seconds,
            "kickstart": base64.b64encode(fetched.kickstart).decode() if fetched else None,
            "command_line": fetched.command_line if fetched else None,
            "address": str(fetched.address) if fetched else None,
            "console": (folder / "firmware.log").read_text(encoding="utf-8", errors="replace"),
        }

    def logs(self) -> dict[str, str]:
        """What dnsmasq and nginx saw, dnsmasq's TFTP included."""
        return {
            "dhcp": self.read("var/log/lab/dnsmasq.log").decode(),
            "http": self.read("var/log/nginx/lab.jsonl").decode(),
        }
