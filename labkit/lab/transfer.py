"""Moves what opens a lab to another controller: one file, because a lab whose key is lost can only be rebuilt."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from labkit import versions
from labkit.controller.keys import HOST_KEY
from labkit.controller.state import StateDir, restrict
from labkit.errors import ConfigError, MissingError, RefusedError
from labkit.machines import entry
from labkit.session import Session

KEYS = ("id_ed25519", f"bootstrap/{HOST_KEY}")  # made once; another one in their place opens another lab
MOVED = (*KEYS, "id_ed25519.pub", f"bootstrap/{HOST_KEY}.pub", "known_hosts", "kubeconfig")
CERTIFICATE = re.compile(r"hosts/[A-Za-z0-9][A-Za-z0-9.-]*\.pem")


def default_file(session: Session) -> Path:
    """Where a lab is exported to unless the user says so: in the folder that `inv` was typed in."""
    return Path.cwd() / f"{session.lab.name}.export.json"


def export(session: Session, file: Path) -> list[str]:
    """Write what opens the lab into `file`, for its owner alone; return the names of what is in it.

    Raises MissingError when the lab has no key yet, RefusedError when there is such a file already.
    """
    state = session.state
    if not state.private_key.exists():
        raise MissingError(
            f"{session.lab.name} has no key on this controller", "run `inv os.bootstrap`, which makes it"
        )
    if file.exists():
        raise RefusedError(f"{file} is there already; nothing was written", "give another --file, or remove that one")
    names = [*MOVED, *(f"hosts/{path.name}" for path in sorted((state.path / "hosts").glob("*.pem")))]
    files = {name: (state.path / name).read_text("utf-8") for name in names if (state.path / name).is_file()}
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        restrict(file)
        json.dump({"format": versions.STATE, "lab": session.lab.name, "files": files}, written, indent=1)
    return list(files)


def read_in(session: Session, file: Path) -> list[str]:
    """Take what an export holds into `.lab/<id>/`; return the names of what was not there like that.

    Raises ConfigError for a file that is no export or of a newer version, RefusedError for one of another lab and where
    this controller has other keys for this lab. Nothing was changed then.
    """
    files = _files(session, file)
    state = session.state
    others = [name for name in KEYS if _differs(state, name, files)]
    if others:
        raise RefusedError(
            f"this controller has another {others[0]} for {session.lab.name}; nothing was changed",
            f"the one that opens the lab must stay: move {state.path} away first if it is the other one",
        )
    taken = [name for name, text in files.items() if state.write(state.path / name, text)]
    entry.prepare(session.lab, state)  # what names this controller's own paths
    return taken


def _differs(state: StateDir, name: str, files: dict[str, str]) -> bool:
    path = state.path / name
    return name in files and path.exists() and path.read_text(encoding="utf-8") != files[name]


def _files(session: Session, file: Path) -> dict[str, str]:
    """What is in an export, each name known: a name must not lead out of the lab's folder."""
    content = _content(file)
    if content.get("lab") != session.lab.name:
        raise RefusedError(
            f"{file} is of {content.get('lab')}, not of {session.lab.name}; nothing was changed",
            "give the file that describes that lab: inv -f FILE lab.import ...",
        )
    files = content.get("files")
    versions.refuse_newer(str(file), content.get("format"))
    if not isinstance(files, dict) or KEYS[0] not in files or not _are_known(files):
        raise ConfigError(f"{file} is no whole export of a lab", "make it anew with `inv lab.export`")
    return files


def _are_known(files: dict[str, Any]) -> bool:
    return all(isinstance(text, str) and (name in MOVED or CERTIFICATE.fullmatch(name)) for name, text in files.items())


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {file}", "`inv lab.export` on the other controller makes it") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", "`inv lab.export` makes such files") from None
    return content if isinstance(content, dict) else {}
