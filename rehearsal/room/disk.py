"""The content of virtual disks: the layers of an installed system, or the bytes of a data disk."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.room.command import run
from rehearsal.room.layout import Layout


@dataclass(frozen=True)
class Disk:
    """The folder of one virtual disk; blank while it does not exist."""

    folder: Path

    @property
    def record(self) -> Path:
        """Written as the last step of an installation: what it was made from."""
        return self.folder / "installed.json"

    @property
    def is_installed(self) -> bool:
        return self.record.exists()

    @property
    def image(self) -> Path:
        """The base image that the system on the disk is a layer over, whatever became the newest since."""
        return Path(json.loads(self.record.read_text(encoding="utf-8"))["image"])

    @property
    def raw(self) -> Path:
        """The bytes of a data disk, a sparse file."""
        return self.folder / "disk.raw"

    def blank(self) -> None:
        """Make the disk empty, as a partitioning installer does."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("upper", "work"):
            (self.folder / name).mkdir(parents=True)

    def finish(self, facts: dict[str, Any]) -> None:
        """Record that a system is on the disk; from now on it boots."""
        text = json.dumps({"time": time.time(), **facts}, indent=1)
        self.record.write_text(text, encoding="utf-8")

    def mount(self, image: Path, root: Path) -> None:
        """Mount the system on the disk, a layer over the base image, in the room's mount namespace."""
        mount_layers(image, self.folder, root)

    def attach(self, size_bytes: int) -> str:
        """Attach the bytes as a loop device and return its path; the kernel lets go of it by `detach`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.raw.exists():
            with self.raw.open("wb") as content:
                content.truncate(size_bytes)
        attached = run(["losetup", "--noheadings", "--output", "NAME", "--associated", self.raw]).split()
        return attached[0] if attached else run(["losetup", "--find", "--show", self.raw]).strip()


def mount_layers(image: Path, layers: Path, root: Path) -> None:
    """Mount an overlay of `layers`/upper over the image on `root`."""
    unmount(root)
    root.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={image},upperdir={layers / 'upper'},workdir={layers / 'work'}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, root])


def unmount(root: Path) -> None:
    """Unmount what is mounted there; nothing happens when nothing is."""
    if root.is_mount():
        run(["umount", "--recursive", "--lazy", root])


def of(layout: Layout, vhd: str) -> Disk:
    return Disk(layout.disk(vhd))


def detach_all(folder: Path) -> None:
    """Detach every loop device whose file lies below `folder`, of whatever disk, also after a crash."""
    rows = json.loads(run(["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"]) or '{"loopdevices": []}')
    for row in rows["loopdevices"]:
        backing = (row["back-file"] or "").removesuffix(" (deleted)")
        if Path(backing).is_relative_to(folder):
            run(["losetup", "--detach", row["name"]])
