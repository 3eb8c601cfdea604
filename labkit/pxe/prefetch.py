"""What the nodes will ask for is fetched while machines install: by the bootstrap server, through its own mirror.

There it is the unit lab-prefetch. It ends no run: what it could not fetch is told, and the nodes ask for it again.
"""

from __future__ import annotations

import json
from typing import Any

from labkit.description.lab import Lab
from labkit.errors import LabError
from labkit.pxe import files, images, server
from labkit.session import Session

UNIT = "lab-prefetch"
SETTINGS, REPORT = "/opt/lab/prefetch.json", "/var/lib/lab/prefetch.json"
MANIFESTS = "/opt/lab/cache/manifests"
CLIENT = files.PREFETCH.partition(":")[0]  # in nginx's log
LONGEST_S = 7200
SHOWN = 5  # of what is missing; the report has all of it


def settings(lab: Lab) -> dict[str, Any]:
    """What scripts/python/prefetch.py reads."""
    mirror, version = f"http://{files.PREFETCH}", lab.kubernetes.version
    released, held = (images.pinned("packages", f"packages_{name}") for name in ("kubernetes", "held"))
    kubernetes = f"{mirror}/packages/kubernetes/v{version.rpartition('.')[0]}/rpm/"
    containerd = f"{mirror}/packages/containerd"
    packages = [*(f"{name}-{version}" for name in released), *(name for name in held if name not in released)]
    pinned = lab.sources.manifests_checksums == "pinned"
    return {
        "mirror": mirror,
        "manifests_url": lab.sources.manifests_url,
        "manifests_folder": MANIFESTS,
        "manifests": {path: digest if pinned else None for path, digest in images.manifests(lab).items()},
        "repositories": {"kubernetes": kubernetes, "containerd": f"{containerd}/{lab.rocky.release}/x86_64/stable"},
        "packages": [*packages, images.pinned("packages", "packages_containerd")],
        "keys": [f"{kubernetes}repodata/repomd.xml.key", f"{containerd}/gpg"],
        "images": images.known(lab),
    }


def begin(session: Session) -> None:
    """Start the unit unless it runs; LabError is told, never raised."""
    unit = f"systemd-run --quiet --collect --unit={UNIT} --property=Nice=10 --property=IOSchedulingClass=idle"
    program = f"/usr/bin/python3 {server.SCRIPTS}/prefetch.py {SETTINGS} {REPORT}"
    run = f"{unit} --property=RuntimeMaxSec={LONGEST_S} {program}"
    command = f"cat > {SETTINGS} && {{ systemctl is-active --quiet {UNIT} || {run}; }}"
    try:
        text = json.dumps(settings(session.lab), indent=2)
        session.machines.bootstrap().sudo(command, input=text.encode())
    except LabError as error:
        session.console.print(f"nothing is fetched ahead: {error.problem}", markup=False)


def tell(session: Session) -> None:
    """Say how far it is; nothing where it did not begin or nobody can say."""
    try:
        text = session.machines.bootstrap().sudo(f"cat {REPORT} 2>/dev/null", check=False).stdout
        said = describe(json.loads(text)) if text.startswith("{") else ""
    except (LabError, ValueError):
        return
    if said:
        session.console.print(f"fetched ahead by the bootstrap server: {said}", markup=False, soft_wrap=True)


def describe(report: dict[str, Any]) -> str:
    """How many of the wanted files are kept; which are missing, and why."""
    missing = [f"{name} ({why})" for name, why in report["failed"].items()]
    shown = missing[:SHOWN] + ([f"{len(missing) - SHOWN} more"] if len(missing) > SHOWN else [])
    state = "" if report["ended"] else ", going on"
    said = f"{len(report['kept'])} of {len(report['wanted'])}{state}"
    return f"{said}; missing: {', '.join(shown)}" if shown else said
