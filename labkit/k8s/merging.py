"""The lab's cluster in the user's own kubeconfig, under the lab's name, beside whatever else is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from labkit.controller.patience import patiently
from labkit.controller.state import restrict
from labkit.errors import ConfigError
from labkit.session import Session

LISTS = ("clusters", "users", "contexts")


def user_file() -> Path:
    """Where kubectl writes: the first file that KUBECONFIG names, else ~/.kube/config."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return Path(named[0]) if named else Path.home() / ".kube" / "config"


def merge(session: Session, file: Path) -> bool:
    """Put the lab's fetched kubeconfig into `file`; return whether that changed it.

    Entries of the lab's name are replaced, all others and the current context stay; a file without a current context
    gets the lab's. The file is replaced in one step, for its owner alone. Raises ConfigError for one that is no
    kubeconfig, which is left as it is.
    """
    target = file.resolve()  # a link stays one
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    text = merged(session.state.kubeconfig.read_text(encoding="utf-8"), _read(before, file), session.lab.name)
    if text == before:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.lab-new")
    fresh.touch(mode=0o600)
    restrict(fresh)
    fresh.write_text(text, encoding="utf-8", newline="\n")
    patiently(lambda: fresh.replace(target))
    return True


def merged(admin: str, theirs: dict[str, Any], lab: str) -> str:
    """A kubeconfig with everything of `theirs` and the cluster of `admin`, kubeadm's own, renamed after the lab."""
    own = yaml.safe_load(admin)
    added = {
        "clusters": {"name": lab, "cluster": own["clusters"][0]["cluster"]},
        "users": {"name": f"{lab}-admin", "user": own["users"][0]["user"]},
        "contexts": {"name": lab, "context": {"cluster": lab, "user": f"{lab}-admin"}},
    }
    result = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **theirs}
    for key, entry in added.items():
        entries = list(theirs.get(key) or [])
        places = [number for number, one in enumerate(entries) if one["name"] == entry["name"]]
        if places:
            entries[places[0]] = entry
        else:
            entries.append(entry)
        result[key] = entries
    result["current-context"] = theirs.get("current-context") or lab
    return yaml.safe_dump(result, sort_keys=False)


def _read(text: str, file: Path) -> dict[str, Any]:
    """What stands in the user's kubeconfig, {} for an empty one."""
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} cannot be read: {error}", _hint(file)) from None
    lists = [content.get(key) or [] for key in LISTS] if isinstance(content, dict) else [None]
    if not all(isinstance(entries, list) and all(_is_named(one) for one in entries) for entries in lists):
        raise ConfigError(f"{file} is no kubeconfig; it was left as it is", _hint(file))
    return dict(content)


def _is_named(entry: object) -> bool:
    return isinstance(entry, dict) and "name" in entry


def _hint(file: Path) -> str:
    return f"repair or move {file}, or let KUBECONFIG name another one"
