"""A lab on two stand-in PCs: real pywinrm, real NTLM, and the scripts run by PowerShell or answered by contract."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.hyperv import create, drift, trust
from labkit.session import Session
from rehearsal.hosts import certificate
from rehearsal.hosts.cmdlets import find_pwsh
from rehearsal.hosts.endpoint import serve
from rehearsal.hosts.state import HostState, Json, vm_by_name
from tests import discs

PASSWORD = "mellon"
HERE, ELSEWHERE = "127.0.0.1", ("127.0.0.2", "127.0.0.3")
PWSH = find_pwsh()
NO_PWSH = pytest.mark.skipif(PWSH is None, reason="no pwsh in LAB_PWSH or on the PATH")


@dataclass(frozen=True)
class Pcs:
    """Two PCs that answer, and the lab described on them."""

    lab: Lab
    root: Path

    def session(self) -> Session:
        """A new run of `inv`."""
        return Session(self.lab)

    def state(self, host: str) -> HostState:
        return HostState(self.root, host)

    def calls(self) -> list[tuple[str, str]]:
        """Host and script of every call so far."""
        return [
            (host.name, json.loads(line)["script"])
            for host in self.lab.hosts
            if (self.root / "hosts" / host.name / "calls.jsonl").exists()
            for line in (self.root / "hosts" / host.name / "calls.jsonl").read_text("utf-8").splitlines()
        ]

    def actions(self) -> dict[str, str]:
        """What would be done to each machine."""
        session = self.session()
        return {one.name: one.action for one in drift.plan(session.lab, session.hosts.read()).machines}

    def update(self, host: str, **values: Any) -> None:
        """Replace parts of a PC's state, such as its switches."""
        with self.state(host).change() as state:
            state.update(values)

    @contextmanager
    def changing(self, machine: str) -> Iterator[tuple[Json, Json]]:
        """A machine's VM and the state of its PC, to change behind the lab's back."""
        with self.state(self.lab.machine(machine).host).change() as state:
            vm = vm_by_name(state, f"{self.lab.name}-{machine}")
            assert vm is not None
            yield vm, state

    def change(self, machine: str, change: Callable[[Json], None]) -> None:
        with self.changing(machine) as (vm, _):
            change(vm)

    def forget_vm(self, machine: str) -> None:
        """Take a machine's VM away as somebody with Remove-VM would: its disks stay."""
        with self.changing(machine) as (vm, state):
            del state["vms"][vm["id"]]
        for configuration in self.state(self.lab.machine(machine).host).drive.rglob(f"{vm['id'].upper()}.vmcx"):
            configuration.unlink()

    def files(self, host: str) -> set[str]:
        """The files of the lab on a host's drive."""
        drive = self.state(host).drive
        return {str(path.relative_to(drive)) for path in drive.rglob("*") if path.is_file() and "ISO" not in path.parts}

    def fault(self, host: str, *faults: dict[str, Any]) -> None:
        (self.root / "hosts" / host / "faults.json").write_text(json.dumps(faults), encoding="utf-8")


@pytest.fixture(scope="session", params=[pytest.param("powershell", marks=[pytest.mark.powershell, NO_PWSH]), "json"])
def pwsh(request: pytest.FixtureRequest) -> Path | None:
    """What runs the scripts: PowerShell, or nothing (their JSON contract answers)."""
    return PWSH if request.param == "powershell" else None


@contextmanager
def answering(lab: Lab, root: Path, pwsh: Path | None, *, addresses: Sequence[str] = (HERE, HERE)) -> Iterator[Pcs]:
    """The PCs of a lab at these addresses: HERE is this computer's own, where a PC needs no network to be reached.

    Each speaks the scheme that the lab names; certificates are trusted as by `inv hyperv.trust`.
    """
    endpoints = []
    for host, address in zip(lab.hosts, addresses, strict=False):
        own = HostState(root, host.name).certificate
        pem = certificate.of_pc(own, host.name.upper(), address) if host.scheme == "https" else None
        endpoints.append(serve(host.name, address, 0, root, "lab", PASSWORD, pwsh, pem))
        endpoints[-1].start()
    discs.put(HostState(root, lab.bootstrap.host), lab)
    hosts = tuple(
        replace(host, address=str(endpoint.server_address[0]), port=endpoint.port)
        for host, endpoint in zip(lab.hosts, endpoints, strict=True)
    )
    pcs = Pcs(replace(lab, hosts=hosts), root)
    for offer in trust.fetch(pcs.session(), hosts)[0]:
        trust.agree(offer, certificate.fingerprint(pcs.state(offer.host.name).certificate))
        trust.keep(pcs.session(), offer)
    try:
        yield pcs
    finally:
        for endpoint in endpoints:
            endpoint.stop()


@pytest.fixture(scope="session")
def built(lab: Lab, pwsh: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two PCs that carry the whole lab, made once by `hyperv.create`; tests get copies."""
    root = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LAB_PASSWORD", PASSWORD)
        environment.setattr(StateDir, "of", lambda _: StateDir(root / ".lab"))
        with answering(lab, root, pwsh) as pcs:
            create.create(pcs.session())
    for host in lab.hosts:
        (root / "hosts" / host.name / "calls.jsonl").unlink()
    return root


@pytest.fixture
def bare_pcs(lab: Lab, pwsh: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pcs]:
    """Two PCs without VMs."""
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    with answering(lab, tmp_path, pwsh) as pcs:
        yield pcs


@pytest.fixture
def pcs(lab: Lab, pwsh: Path | None, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pcs]:
    """Two PCs that carry the whole lab, switched off."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    with answering(lab, tmp_path, pwsh) as pcs:
        yield pcs
