"""What a first build still has to fetch, and how long that takes at a usual rate. Pure; `lab.plan` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.media.dvd import USUAL_GB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labkit.description.lab import Lab
    from labkit.hyperv.facts import HostFacts

RATE_MBIT_S = 100
# Estimates: Kubernetes, containerd and Ansible; images of control plane, pod network, storage and nginx.
PACKAGES_MB, IMAGES_MB = 200, 800


@dataclass(frozen=True)
class Download:
    """One thing to fetch, how large it is, and by which task."""

    what: str
    megabytes: int
    task: str

    def __str__(self) -> str:
        minutes = self.megabytes * 8 / RATE_MBIT_S / 60
        took = f"{minutes:.0f} min" if minutes >= 1 else "less than a minute"
        return f"{self.what}: about {self.megabytes / 1000:g} GB ({self.task}), {took} at {RATE_MBIT_S} Mbit/s"


def expected(lab: Lab, facts: Mapping[str, HostFacts]) -> list[Download]:
    """What is not there yet: nothing once the bootstrap server was made, which keeps what it fetched."""
    here = facts.get(lab.bootstrap.host)
    if here is None or any(disk.machine == lab.bootstrap.name and disk.kind == "system" for disk in here.disks):
        return []
    found = [
        Download("packages of Kubernetes and Ansible", PACKAGES_MB, "k8s.bootstrap and k8s.prepare"),
        Download("container images", IMAGES_MB, "k8s.control-plane and what follows"),
    ]
    dvd = Download(f"Rocky's DVD, to {lab.iso_path} on {lab.bootstrap.host}", USUAL_GB * 1000, "pxe.media")
    return found if here.has_iso else [dvd, *found]
