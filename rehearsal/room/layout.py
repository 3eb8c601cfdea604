"""Where the room keeps its things, and the plan of its addresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LAB = CHECKOUT / "labs" / "rehearsal.yaml"  # played unless another is named

ROOM_NETNS = "lab-rehearsal"
CONTROLLER_NETNS = "lab-controller"
LAN_BRIDGE = "br-external"  # untagged frames of every External switch

# The room's LAN: TEST-NET-1 (RFC 5737), which no real network uses. The PCs' addresses on it are the lab file's.
UPSTREAM = IPv4Interface("192.0.2.1/24")
CONTROLLER = IPv4Interface("192.0.2.5/24")
HOST_USER = "lab"
HOST_PASSWORD = "Rehearse-7e57"  # noqa: S105 - opens nothing outside the room


@dataclass(frozen=True)
class Layout:
    """The folders of one rehearsal: `root` lives from up to down, `cache` outlives it."""

    root: Path
    cache: Path

    @classmethod
    def default(cls) -> Layout:
        """The rehearsal of this checkout."""
        return cls.of(CHECKOUT)

    @classmethod
    def of(cls, checkout: Path) -> Layout:
        """The rehearsal of a checkout; LAB_REHEARSAL_CACHE moves the cache."""
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        cache = Path(os.environ.get("LAB_REHEARSAL_CACHE") or home / "hyperv-k8s-lab")
        return cls(checkout / ".rehearsal", cache)

    @property
    def lab(self) -> Path:
        """Names the lab file that the room plays."""
        return self.root / "lab"

    @property
    def log(self) -> Path:
        return self.root / "room.log"

    @property
    def ready(self) -> Path:
        """Exists once the endpoints and the upstream server listen."""
        return self.root / "ready"

    @property
    def notes(self) -> Path:
        return self.root / "notes.jsonl"

    @property
    def upstream(self) -> Path:
        return self.root / "upstream"

    @property
    def dvd(self) -> Path:
        """The image of the release's DVD."""
        return self.root / "dvd.iso"

    @property
    def namespaces(self) -> Path:
        """Mount points of the machines' network namespaces; mounted only in the room's own mount namespace."""
        return self.root / "netns"

    def disk(self, vhd: str) -> Path:
        """The content of the virtual disk with that id."""
        return self.root / "disks" / vhd

    def guest(self, vm_id: str) -> Path:
        """What belongs to a powered-on VM: console, firmware variables, mount point of its root."""
        return self.root / "guests" / vm_id
