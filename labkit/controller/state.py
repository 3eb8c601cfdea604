"""What the controller keeps of one lab, in `.lab/<id>/`: keys, known hosts, kubeconfig, journal, logs, lock.

One folder a lab, because one checkout may drive several (`inv -f labs/...`). Everything in it is for its owner only.
Its file `version` says how it is laid out; a folder without one is of the first version.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import versions
from labkit.controller import acl
from labkit.controller.patience import patiently
from labkit.project import ROOT

if TYPE_CHECKING:
    from labkit.description.lab import Lab


@dataclass(frozen=True)
class StateDir:
    """The paths below `.lab/<id>/`; nothing is made before `write` or `prepare` is called."""

    path: Path

    @classmethod
    def of(cls, lab: Lab) -> StateDir:
        return cls(ROOT / ".lab" / lab.id)

    @property
    def version(self) -> Path:
        """The file with the number of the version that all the others are of."""
        return self.path / "version"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def logs(self) -> Path:
        """A file for each of the last runs: what it printed, and how it ended."""
        return self.path / "logs"

    @property
    def lock(self) -> Path:
        return self.path / "lock.json"

    @property
    def private_key(self) -> Path:
        return self.path / "id_ed25519"

    @property
    def public_key(self) -> Path:
        return self.path / "id_ed25519.pub"

    @property
    def known_hosts(self) -> Path:
        return self.path / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.path / "ssh_config"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    def host_certificate(self, host: str) -> Path:
        """The one certificate that a host is trusted by over HTTPS."""
        return self.path / "hosts" / f"{host}.pem"

    @property
    def bootstrap(self) -> Path:
        """What the bootstrap server is installed from: its kickstart and the SSH host key made for it."""
        return self.path / "bootstrap"

    def prepare(self) -> None:
        """Make the folder, open to its owner alone (mode 0700; on Windows an ACL without inheritance)."""
        self.path.mkdir(parents=True, exist_ok=True)
        restrict(self.path)
        if not self.version.exists():
            self._replace(self.version, f"{versions.STATE}\n")

    def refuse_newer(self) -> None:
        """Raise ConfigError when a newer version of this project wrote this folder; nothing is made or changed."""
        if self.version.exists():
            said = self.version.read_text(encoding="utf-8", errors="replace").strip()
            versions.refuse_newer(str(self.path), int(said) if said.isdecimal() else repr(said))

    def write(self, path: Path, text: str) -> bool:
        """Put `text` into a file of this folder, owner-only, replaced in one step; return whether it changed."""
        self.prepare()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        self._replace(path, text)
        return True

    @staticmethod
    def _replace(path: Path, text: str) -> None:
        fresh = path.with_name(path.name + ".new")
        fresh.touch(mode=0o600)
        restrict(fresh)
        fresh.write_text(text, encoding="utf-8", newline="\n")
        patiently(lambda: fresh.replace(path))


def restrict(path: Path) -> None:
    """Leave a file or folder to its owner: by mode, or on Windows by ACL, where modes mean nothing.

    Raises LabError where Windows cannot.
    """
    if os.name == "nt":
        acl.restrict(path)
    else:
        path.chmod(0o700 if path.is_dir() else 0o600)
