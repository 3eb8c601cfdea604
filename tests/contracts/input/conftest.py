"""A copy of the project to break, the real `inv` in it, and two stand-in PCs on the loopback address."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from locale import getpreferredencoding
from pathlib import Path
from typing import Any

import pytest

from labkit.description.load import load_lab
from rehearsal.hosts import certificate
from rehearsal.hosts.endpoint import Endpoint, serve
from rehearsal.hosts.state import HostState
from tests import discs, windows

ROOT = Path(__file__).resolve().parents[3]
# The Python that runs under Wine is for embedding and has no scripts.
INV = [sys.executable, "-m", "invoke"] if windows.IS_WINDOWS else [str(Path(sys.executable).with_name("inv"))]
PASSWORD = "in-the-environment-Ü-암호"


@dataclass
class Answer:
    """What `inv` said and did."""

    code: int
    output: str
    errors: str


def _hear_ctrl_c() -> None:
    """A shell without job control starts what runs in the background, as these tests may, deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Project:
    """A checkout of its own: its `.lab/`, its invoke.yaml."""

    folder: Path

    def start(self, *words: str, encoding: str = "utf-8", **variables: str) -> subprocess.Popen[str]:
        """Start the installed `inv` here, with the copied library; `variables` join a nearly empty environment.

        It writes in `encoding`, as redirected on a computer of that code page.
        """
        own = {"HOME": str(self.folder), "PYTHONPATH": str(self.folder)}
        own |= {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP") if name in os.environ}
        if encoding != getpreferredencoding(False):
            own["PYTHONIOENCODING"] = encoding
        return subprocess.Popen(
            [*INV, *words], cwd=self.folder, env={**own, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding=encoding,
            preexec_fn=None if windows.IS_WINDOWS else _hear_ctrl_c,
        )  # fmt: skip

    def inv(self, *words: str, encoding: str = "utf-8", **variables: str) -> Answer:
        """Run `inv` to its end."""
        process = self.start(*words, encoding=encoding, **variables)
        output, errors = process.communicate(timeout=120)
        return Answer(process.returncode, output, errors)

    def kept(self) -> list[str]:
        """The files that a run left in `.lab/`."""
        return sorted(path.name for path in (self.folder / ".lab").rglob("*") if path.is_file())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project's own files; labs/lab.yaml is the rehearsal's lab, called differently."""
    folder = tmp_path / "project"
    for name in ("labkit", "tasks", "labs", "scripts", "templates", "ansible"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "invoke.yaml", folder)
    shutil.copy(ROOT / "labs" / "rehearsal.yaml", folder / "labs" / "lab.yaml")
    return Project(folder)


@dataclass
class Hosts:
    """The two PCs, and the lab file that leads to them."""

    project: Project
    endpoints: dict[str, Endpoint]
    root: Path

    def inv(self, *words: str, password: str = PASSWORD, **variables: Any) -> Answer:
        """Run `inv -f labs/lab.yaml ...` with the PCs' password."""
        return self.project.inv("-f", "labs/lab.yaml", *words, LAB_PASSWORD=password, **variables)

    def state(self, host: str) -> HostState:
        return HostState(self.root, host)

    def fault(self, host: str, *faults: dict[str, Any]) -> None:
        """What a PC's endpoint does wrong from now on; nothing: all is well again."""
        (self.state(host).folder / "faults.json").write_text(json.dumps(faults), encoding="utf-8")

    def change(self, host: str, **values: Any) -> None:
        """Replace parts of a PC's state, such as its switches."""
        with self.state(host).change() as state:
            state.update(values)

    def calls(self, *hosts: str) -> list[dict[str, Any]]:
        """Every command that these PCs got, by default both."""
        files = [self.state(host).folder / "calls.jsonl" for host in hosts or self.endpoints]
        return [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]

    def changes(self) -> list[dict[str, Any]]:
        return [call for call in self.calls() if call["mutating"]]


@contextmanager
def answering(project: Project, root: Path, *, https: bool) -> Iterator[Hosts]:
    """Both PCs answer by their scripts' JSON contract, and the lab file leads to them.

    By HTTPS each has a certificate of its own, and the lab file names no scheme.
    """
    description = project.folder / "labs" / "lab.yaml"
    text, endpoints = description.read_text(encoding="utf-8"), {}
    for name, address in (("pc1", "192.0.2.11"), ("pc2", "192.0.2.12")):
        pem = certificate.of_pc(HostState(root, name).certificate, name.upper(), address) if https else None
        endpoints[name] = serve(name, "127.0.0.1", 0, root, "lab", PASSWORD, None, pem)
        way = f"{'' if https else 'scheme: http, '}port: {endpoints[name].port}"
        text, found = re.subn(rf"{name}: {{address: {address}.*}}", f"{name}: {{address: 127.0.0.1, {way}}}", text)
        assert found == 1
        endpoints[name].start()
    description.write_text(text, encoding="utf-8")
    discs.put(HostState(root, "pc1"), load_lab(description))
    yield Hosts(project, endpoints, root)
    for endpoint in endpoints.values():
        endpoint.stop()


@pytest.fixture
def hosts(project: Project, tmp_path: Path) -> Iterator[Hosts]:
    """Both PCs, over HTTP."""
    with answering(project, tmp_path / "hosts", https=False) as pcs:
        yield pcs
