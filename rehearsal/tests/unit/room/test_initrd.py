"""The initrd of the network-booted installer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rehearsal.room import initrd
from rehearsal.room.base import STANDINS


def kernel(folder: Path, modules: dict[str, str]) -> Path:
    place = folder / "lib/modules/6.1/kernel"
    place.mkdir(parents=True)
    for name, needs in modules.items():
        (place / f"{name}.ko").write_bytes(b"\x7fELF\0license=GPL\0depends=" + needs.encode() + b"\0name=x\0")
    return folder


def test_modules_come_after_those_they_need_and_once(tmp_path: Path) -> None:
    unpacked = kernel(tmp_path, {"net": "failover,ring", "failover": "", "ring": "virtio", "virtio": "", "pci": "ring"})
    found = list(initrd.modules_of(unpacked, ("pci", "net")))
    assert found == ["virtio.ko", "ring.ko", "pci.ko", "failover.ko", "net.ko"]


def test_a_module_that_is_built_in_is_left_out(tmp_path: Path) -> None:
    assert initrd.modules_of(kernel(tmp_path, {}), ("af_packet",)) == {}


def test_the_archive_is_what_cpio_reads(tmp_path: Path) -> None:
    archive = initrd.archive(("bin",), {"bin/tool": b"content", "empty": b""})
    assert len(archive) % 4 == 0
    names = [entry[0] for entry in entries(archive)]
    assert names == ["bin", "bin/tool", "empty", "TRAILER!!!"]
    assert dict(entries(archive))["bin/tool"] == b"content"


def entries(archive: bytes) -> list[tuple[str, bytes]]:
    """A reader of the newc format, written from its description: header of 110 characters, both parts padded to 4."""
    found, at = [], 0
    while at < len(archive):
        assert archive[at : at + 6] == b"070701"
        size, length = int(archive[at + 54 : at + 62], 16), int(archive[at + 94 : at + 102], 16)
        name = archive[at + 110 : at + 110 + length - 1].decode()
        begin = at + (110 + length + 3) // 4 * 4
        found.append((name, archive[begin : begin + size]))
        at = begin + (size + 3) // 4 * 4
    return found


def test_the_scripts_of_the_initrd_are_shell() -> None:
    for name in ("installer-init", "installer-lease"):
        subprocess.run(["sh", "-n", str(STANDINS / name)], check=True)
