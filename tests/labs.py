"""The labs that tests look at: the delivered files, and labs smaller than any of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from labkit.description.lab import Lab
from labkit.description.load import load_lab

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
    """The lab of labs/NAME.yaml, or of invoke.yaml; where the file leaves the id to its user, it is 7e57."""
    return _loaded(_text(name).replace("\n  id:\n", "\n  id: '7e57'\n"), f"{name}.yaml")


def _text(name: str) -> str:
    file = FOLDER.parent / "invoke.yaml" if name == "invoke" else FOLDER / f"{name}.yaml"
    return file.read_text(encoding="utf-8")


def described(name: str, changes: dict[str, Any]) -> Lab:
    """The lab of a delivered file with the keys of `changes` in it; lists are replaced."""
    if not changes:
        return delivered(name)
    whole: dict[str, Any] = yaml.safe_load(_text(name))
    return _loaded(yaml.safe_dump({"lab": _changed(whole["lab"], {"id": "7e57", **changes})}), f"{name}.yaml")


def _changed(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: _changed(below.get(key) or {}, value) for key, value in above.items() if isinstance(value, dict)}
    return below | above | both


@cache
def small(name: str) -> Lab:
    """The lab of labs/one-pc-16gb.yaml with its bootstrap server and the machines of SMALL beside it."""
    whole: dict[str, Any] = yaml.safe_load((FOLDER / "one-pc-16gb.yaml").read_text(encoding="utf-8"))
    common = {"host": "pc1", "cpus": 2, "memory_mb": 3072, "disk_gb": 40}
    whole["lab"]["id"] = "7e57"
    whole["lab"]["machines"][1:] = [{**common, **machine} for machine in SMALL[name]]
    return _loaded(yaml.safe_dump(whole), "small.yaml")


def rehearsed(name: str, folder: Path) -> Path:
    """A file in `folder` with the lab of that name as the room can play it: REHEARSED says what it is."""
    base, change = REHEARSED[name]
    text = (FOLDER / base).read_text(encoding="utf-8")
    file = folder / f"{name}.yaml"
    file.write_text(change(text), encoding="utf-8")
    return file


W4 = "- {name: w4, number: 7, host: pc1, roles: [worker], cpus: 2, memory_mb: 3072, disk_gb: 40}"


def changed(change: Callable[[str], str], folder: Path) -> Path:
    """labs/rehearsal.yaml, changed, under its own name in `folder`: kickstarts carry the name of their file."""
    file = folder / change.__name__ / "rehearsal.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(change((FOLDER / file.name).read_text(encoding="utf-8")), encoding="utf-8")
    return file


def grown(text: str, line: str = W4) -> str:
    """A description with one machine more, after all others."""
    last = next(row for row in text.splitlines() if row.strip().startswith("- {name: storage1,"))
    return text.replace(last, f"{last}\n    {line}")


def flannel(text: str) -> str:
    """A description with the other pod network."""
    assert text.count("cni: calico") == 1
    return text.replace("cni: calico", "cni: flannel")


def _untagged(text: str) -> str:
    """MGMT, INTERNAL and EXTERNAL are one LAN: what a lab is on switches that drop tags."""
    assert text.count("vlan: auto") == 2
    return text.replace("vlan: auto", "vlan: null")


def _of_32_gb(text: str) -> str:
    """The machines of labs/one-pc-32gb.yaml on the rehearsal's one PC."""
    whole = yaml.safe_load(text)
    larger = yaml.safe_load((FOLDER / "one-pc-32gb.yaml").read_text(encoding="utf-8"))
    whole["lab"]["machines"] = larger["lab"]["machines"]
    return yaml.safe_dump(whole, sort_keys=False)


REHEARSED: dict[str, tuple[str, Callable[[str], str]]] = {
    "one-pc-16gb": ("rehearsal-one-pc.yaml", str),
    "one-pc-32gb": ("rehearsal-one-pc.yaml", _of_32_gb),
    "untagged": ("rehearsal.yaml", _untagged),
}


@cache
def untagged() -> Lab:
    """labs/rehearsal.yaml with all three networks on one wire."""
    return _loaded(_untagged((FOLDER / "rehearsal.yaml").read_text(encoding="utf-8")), "untagged.yaml")


def golden(lab: str, name: str) -> str:
    """The golden file `name` of a delivered lab; the rehearsal's lie at the top."""
    return name if lab == "rehearsal" else f"{lab}/{name}"


def _loaded(text: str, name: str) -> Lab:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(text, encoding="utf-8")
        return load_lab(file)
