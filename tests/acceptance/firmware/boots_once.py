"""Starts six VMs at once from one bootstrap server, each different; run by the test in namespaces of its own.

Usage: boots_once.py FOLDER. Writes FOLDER/result.json.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT))

from labkit.description.load import load_lab  # noqa: E402
from labkit.pxe import files  # noqa: E402
from rehearsal.room.command import run  # noqa: E402
from rehearsal.room.layout import Layout  # noqa: E402
from rehearsal.upstream import boot, dvd  # noqa: E402
from tests.integration.boot.site import TFTP, TREE, Site  # noqa: E402

STRANGER = "02:7e:57:01:00:63"  # of the lab's range, and of no machine
DISK_GRUB = 'echo "THIS DISK BOOTS"\nsleep 300\n'


def tamper(site: Site) -> None:
    """Give storage1 a kernel with one byte turned, w3 none over HTTP, and disarm cp1, which has a disk.

    Debian's signed GRUB has no HTTP built in, as Rocky's has. Without Secure Boot it may load that as a module.
    """
    module = boot.unpack("grub-efi-amd64-bin", Layout.default().cache) / "usr/lib/grub/x86_64-efi/http.mod"
    site.write(f"{TFTP}/grub/x86_64-efi/http.mod", module.read_bytes())
    kernel = bytearray(site.read(f"{TREE}/images/pxeboot/vmlinuz"))
    kernel[len(kernel) // 2] ^= 0xFF
    for name in (f"{TREE}/images/pxeboot/tampered", f"{TFTP}/images/tampered"):
        site.write(name, bytes(kernel))
    storage, third, first = (site.lab.machine(name) for name in ("storage1", "w3", "cp1"))
    _replace(site, site.grub_file(storage), "/vmlinuz", "/tampered")
    _replace(site, site.grub_file(third), "pxeboot/vmlinuz", "pxeboot/nothing")
    site.write(site.grub_file(first), files.grub_local(site.lab, first))


def _replace(site: Site, file: str, old: str, new: str) -> None:
    text = site.read(file).decode()
    assert old in text
    site.write(file, text.replace(old, new))


def disk(site: Site) -> Path:
    """A disk with signed loaders of its own, which says that it was started."""
    tree, image = site.root / TREE, site.folder / "disk.img"
    dvd.boot_image(tree, image)
    configuration = site.folder / "disk-grub.cfg"
    configuration.write_text(DISK_GRUB, encoding="ascii")
    run(["mmd", "-i", image, "::/grub"])
    run(["mcopy", "-i", image, configuration, "::/grub/grub.cfg"])
    return image


def main(folder: Path) -> None:
    site = Site(folder, load_lab(CHECKOUT / "labs" / "rehearsal.yaml"))
    site.lay_out()
    tamper(site)
    site.serve()
    machine = site.lab.machine
    vms = {  # a comma in a name would end an option of QEMU's
        "described": site.vm(machine("w1")),
        "insecure": site.vm(machine("w2"), networks=1, secure_boot=False),
        "tftp": site.vm(machine("w3"), secure_boot=False),
        "tampered": site.vm(machine("storage1")),
        "unarmed": site.vm(machine("cp1")),
        "stranger": site.vm(machine("w1"), mac=STRANGER),
    }
    seen = site.power_on(vms, {"unarmed": disk(site)})
    (folder / "result.json").write_text(json.dumps({"seen": seen, **site.logs()}), encoding="utf-8")
    shutil.rmtree(folder / "guests")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
