"""Nothing is thrown away by `os.reinstall` that it could not install again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LabError, MissingError, RefusedError, UnreachableError
from labkit.machines.reinstall import reinstall
from labkit.session import Session
from tests.unit.hyperv.conftest import Pcs
from tests.unit.hyperv.test_boot_disk import media
from tests.unit.k8s.doubles import FakeMachines
from tests.unit.tasks.conftest import without_dvd


@pytest.fixture(autouse=True)
def dvd(pcs: Pcs, machines: FakeMachines, tmp_path: Path) -> None:
    """The right DVD is there, and on the bootstrap server no record of any machine."""
    pcs.replies["Get-LabMedia"] = media(tmp_path)
    machines.bootstrap().answers["ssh_known_hosts"] = "now 2 +0000\n"


def refused(session: Session, pcs: Pcs, machine: str, error: type[LabError], told: str) -> str:
    """The hint of the refusal; with and without --dry nothing was changed."""
    for dry in (True, False):
        with pytest.raises(error, match=told) as refusal:
            reinstall(session, machine, dry=dry)
    assert pcs.made("Reset-LabMachine") == []
    return str(refusal.value.hint)


def test_without_the_bootstrap_server_no_machine_loses_its_system(
    session: Session, pcs: Pcs, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise UnreachableError("bootstrap (192.0.2.100): no SSH connection")

    monkeypatch.setattr(machines.bootstrap(), "sudo", silent)
    refused(session, pcs, "w2", UnreachableError, "bootstrap")


def test_without_its_kickstart_no_machine_loses_its_system(session: Session, pcs: Pcs) -> None:
    """The bootstrap server was just made anew: nothing on it installs anybody."""
    assert "inv pxe.publish" in refused(session, pcs, "w2", MissingError, "grub.cfg on bootstrap is not as described")


def test_while_another_machine_has_no_vm_none_loses_its_system(session: Session, pcs: Pcs) -> None:
    pcs.answers["pc2"]["vms"].remove(pcs.vm("w3"))
    assert "inv hyperv.create" in refused(session, pcs, "w2", MissingError, "w3 has no VM")


def test_the_bootstrap_server_stays_where_a_lost_key_would_keep_it_from_being_made_again(
    session: Session, pcs: Pcs
) -> None:
    session.state.private_key.unlink()
    assert "inv lab.import FILE" in refused(session, pcs, "bootstrap", RefusedError, "id_ed25519 is gone")


def test_the_bootstrap_server_stays_where_there_is_no_dvd(session: Session, pcs: Pcs) -> None:
    without_dvd(session, pcs)
    assert "inv pxe.media" in refused(session, pcs, "bootstrap", MissingError, "is installed from")


def test_the_bootstrap_server_stays_where_the_dvd_is_another(session: Session, pcs: Pcs, tmp_path: Path) -> None:
    pcs.replies["Get-LabMedia"] = media(tmp_path, label="Rocky-10-1-x86_64-dvd")
    assert "inv pxe.media" in refused(session, pcs, "bootstrap", RefusedError, "which is not Rocky Linux 9")
    assert all("Disk" not in given for _, given in pcs.made("Get-LabMedia"))  # it runs: Windows has its disk open


@pytest.mark.parametrize("change", [{"hypervisor": False}, {"architecture": 12}], ids=["no hypervisor", "ARM64"])
@pytest.mark.parametrize(("machine", "host", "other"), [("w2", "pc2", "pc1"), ("bootstrap", "pc1", "pc2")])
def test_a_machine_stays_where_its_own_host_could_not_run_it_again(
    session: Session, pcs: Pcs, monkeypatch: pytest.MonkeyPatch, machine: str, host: str, other: str, change: Any
) -> None:
    monkeypatch.setattr("labkit.pxe.publish.missing", lambda _session: None)
    pcs.answers[other]["host"].update(change)
    reinstall(session, machine, dry=True)  # what is wrong elsewhere keeps nobody from being mended
    pcs.answers[host]["host"].update(change)
    refused(session, pcs, machine, RefusedError, f"host {host}: ")


def test_whoever_agrees_without_a_key_here_was_told_what_that_means(
    session: Session, pcs: Pcs, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (session.state.private_key, session.state.public_key, session.state.known_hosts):
        file.unlink()
    reinstall(session, "bootstrap", dry=True)
    assert "a new key" in capsys.readouterr().out
