"""The labs that tests look at: the delivered files, and labs smaller than any of them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from labkit.config.load import load_lab
from labkit.lab import Lab

FOLDER = Path(__file__).resolve().parent.parent / "labs"
DELIVERED = ("rehearsal", "one-pc-16gb", "one-pc-32gb")
WORKER = {"name": "w1", "number": 3, "roles": ["worker"]}
SMALL: dict[str, list[dict[str, Any]]] = {
    "one worker, no storage": [{"name": "cp1", "number": 2, "roles": ["control_plane"]}, WORKER],
    "one node": [{"name": "cp1", "number": 2, "roles": ["control_plane", "worker"]}],
    "one node that stores": [
        {"name": "cp1", "number": 2, "roles": ["control_plane", "worker", "storage"], "data_disk_gb": 20}
    ],
    "a worker that stores": [
        {"name": "cp1", "number": 2, "roles": ["control_plane"]},
        {"name": "w1", "number": 3, "roles": ["worker", "storage"], "data_disk_gb": 20},
        {"name": "w2", "number": 4, "roles": ["worker"]},
    ],
}


@cache
def delivered(name: str) -> Lab:
    """The lab of labs/NAME.yaml; where the file leaves the id to its user, it is 7e57."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return _loaded(text.replace("\n  id:\n", "\n  id: '7e57'\n"), f"{name}.yaml")


@cache
def small(name: str) -> Lab:
    """The lab of labs/one-pc-16gb.yaml with its bootstrap server and the machines of SMALL beside it."""
    whole: dict[str, Any] = yaml.safe_load((FOLDER / "one-pc-16gb.yaml").read_text(encoding="utf-8"))
    common = {"host": "pc1", "cpus": 2, "memory_mb": 3072, "disk_gb": 40}
    whole["lab"]["id"] = "7e57"
    whole["lab"]["machines"][1:] = [{**common, **machine} for machine in SMALL[name]]
    return _loaded(yaml.safe_dump(whole), "small.yaml")


def golden(lab: str, name: str) -> str:
    """The golden file `name` of a delivered lab; the rehearsal's lie at the top."""
    return name if lab == "rehearsal" else f"{lab}/{name}"


def _loaded(text: str, name: str) -> Lab:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(text, encoding="utf-8")
        return load_lab(file)
