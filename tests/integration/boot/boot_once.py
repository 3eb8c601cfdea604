"""Boots one machine through the lab's rendered PXE tree under Secure Boot; run by the test in namespaces of its own.

Usage: boot_once.py FOLDER MACHINE. The bootstrap server's part is played by the base image's own dnsmasq and nginx with
the rendered configuration files at their real paths. Writes FOLDER/result.json.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT))

from labkit.config.load import load_lab  # noqa: E402
from labkit.lab import Lab, Machine  # noqa: E402
from labkit.pxe import files  # noqa: E402
from rehearsal.room import base, disk, firmware, initrd, network  # noqa: E402
from rehearsal.room.command import run  # noqa: E402
from rehearsal.room.layout import LAN_BRIDGE, Layout  # noqa: E402
from rehearsal.room.vm import UEFI_TEMPLATE, Adapter, Vm  # noqa: E402
from rehearsal.upstream import boot  # noqa: E402
from rehearsal.upstream.hidden import STORE  # noqa: E402

DEADLINE_S = 240
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8 boot-test"


def server(lab: Lab, root: Path, cache: Path) -> None:
    """Lay out the bootstrap server's folders below `root` with the lab's own rendered files."""
    tree = {**boot.files(cache), "images/pxeboot/initrd.img": initrd.build(cache)}
    content: dict[str, bytes | str] = {f"srv/lab/rocky/{path}": data for path, data in tree.items()}
    tftp = "var/lib/tftpboot/"
    names = {"shimx64.efi": "EFI/BOOT/BOOTX64.EFI", "grubx64.efi": "EFI/BOOT/grubx64.efi"}
    names |= {"images/vmlinuz": "images/pxeboot/vmlinuz", "images/initrd.img": "images/pxeboot/initrd.img"}
    content |= {tftp + name: tree[path] for name, path in names.items()}
    content |= {tftp + name: files.grub_dispatcher(lab) for name in ("grub.cfg", "grub/grub.cfg")}
    for machine in lab.installed_by_network:
        content[f"{tftp}grub/machines/{files.dashed(machine)}.cfg"] = files.grub_install(lab, machine)
        content[f"srv/lab/ks/{machine.name}.cfg"] = files.kickstart(lab, machine, KEY)
    rendered = files.services(lab)
    content |= {"etc/dnsmasq.conf": rendered["dnsmasq.conf"], "etc/nginx/nginx.conf": rendered["nginx.conf"]}
    for name, data in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (root / "var/log/lab").mkdir()
    (root / "var/log/nginx").mkdir(exist_ok=True)


def vm_of(lab: Lab, machine: Machine) -> Vm:
    bridges = (f"br-vlan{lab.mgmt.vlan}", f"br-vlan{lab.internal.vlan}", LAN_BRIDGE)
    adapters = tuple(
        Adapter(link.network.name, link.network.name, link.mac, bridge)
        for link, bridge in zip(machine.interfaces, bridges, strict=True)
    )
    return Vm(
        "b0075afe-0000-4000-8000-000000000000", machine.host, machine.vm_name, lab.name, machine.name, "Running", 1,
        adapters, (), (), True, UEFI_TEMPLATE,
    )  # fmt: skip


def power_on(vm: Vm, folder: Path) -> float:
    """Run the firmware until the guest powers off, or the deadline; return the seconds it took."""
    begin = time.monotonic()
    command = firmware.from_network(vm, vm.adapters[0], network.plug_taps(vm), folder)
    with subprocess.Popen(command) as guest:
        try:
            guest.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            guest.kill()
    return time.monotonic() - begin


def main(folder: Path, name: str) -> None:
    layout, lab = Layout.default(), load_lab(CHECKOUT / "labs" / "rehearsal.yaml")
    machine, root = lab.machine(name), folder / "root"
    for layer in ("upper", "work"):
        (folder / "layers" / layer).mkdir(parents=True)
    disk.mount_layers(base.image(layout.cache), folder / "layers", root)
    from_dvd = replace(lab, rocky=lab.rocky.model_copy(update={"tree_url": None}))
    server(from_dvd, root, layout.cache)
    vm = vm_of(lab, machine)
    network.plug_taps(vm)  # makes the bridges
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{lab.bootstrap.mgmt.address}/24", "dev", str(vm.adapters[0].bridge)])
    run(["mount", "-t", "devtmpfs", "dev", root / "dev"])
    for program in ("dnsmasq", "nginx"):
        run(["chroot", root, f"{STORE}/usr/sbin/{program}"])
    seconds = power_on(vm, folder)
    handed = (folder / "handed-over").read_text(encoding="utf-8")
    fetched = firmware.handed_over(handed)
    result = {
        "seconds": seconds,
        "kickstart": base64.b64encode(fetched.kickstart).decode() if fetched else None,
        "command_line": fetched.command_line if fetched else None,
        "address": str(fetched.address) if fetched else None,
        "rendered": base64.b64encode((root / f"srv/lab/ks/{name}.cfg").read_bytes()).decode(),
        "console": (folder / "firmware.log").read_text(encoding="utf-8", errors="replace"),
        "dhcp": (root / "var/log/lab/dnsmasq.log").read_text(encoding="utf-8"),
        "http": (root / "var/log/nginx/lab.jsonl").read_text(encoding="utf-8"),
    }
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
