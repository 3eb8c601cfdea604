"""The first commands of a new user, on PCs that Enable-LabHost.ps1 prepared without options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.hosts import certificate
from rehearsal.hosts.endpoint import serve
from tests.contracts.input.conftest import PASSWORD, Hosts, Project, answering

pytestmark = pytest.mark.network


@pytest.fixture
def prepared(project: Project, tmp_path: Path) -> Iterator[Hosts]:
    with answering(project, tmp_path / "hosts", https=True) as pcs:
        yield pcs


def fingerprint(prepared: Hosts, host: str) -> str:
    return certificate.fingerprint(prepared.state(host).certificate)


def test_before_anything_is_trusted_no_password_is_sent_and_the_next_command_is_named(prepared: Hosts) -> None:
    answer = prepared.inv("lab.check")
    assert answer.code == 7
    for host in ("pc1", "pc2"):
        assert f"no certificate of host {host} (127.0.0.1) is trusted yet" in answer.errors
    assert "hint: inv -f labs/lab.yaml hyperv.trust" in answer.errors
    assert prepared.calls() == []


def test_the_fingerprint_of_another_pc_is_refused_and_nothing_is_kept(prepared: Hosts) -> None:
    answer = prepared.inv("hyperv.trust", "--host", "pc1", "--fingerprint", fingerprint(prepared, "pc2"))
    assert answer.code == 5
    assert "shows another certificate" in answer.errors
    assert "pc1.pem" not in prepared.project.kept()


def test_one_pcs_wrong_certificate_keeps_no_other_from_being_trusted(prepared: Hosts) -> None:
    given = fingerprint(prepared, "pc2")
    answer = prepared.inv("hyperv.trust", "--fingerprint", given)  # of pc1 it is another
    assert answer.code == 5
    assert "pc1 shows another certificate" in answer.errors
    assert "pc2: trusted from now on" in answer.output
    assert "pc1.pem" not in prepared.project.kept()


def test_once_compared_the_pcs_are_used_and_a_second_time_there_is_nothing_to_compare(prepared: Hosts) -> None:
    for host in ("pc1", "pc2"):
        answer = prepared.inv("hyperv.trust", "--host", host, "--fingerprint", fingerprint(prepared, host))
        assert answer.code == 0, answer.errors
        assert f"{host}: trusted from now on" in answer.output
    again = prepared.inv("hyperv.trust")
    assert (again.code, again.output.count("trusted already")) == (0, 2), again
    assert prepared.inv("hyperv.check").code == 0
    assert {call["script"] for call in prepared.calls()} >= {"Get-LabHost"}


def test_a_certificate_that_does_not_name_the_address_is_refused_with_the_names_that_it_has(prepared: Hosts) -> None:
    """It was "trusted already" each time, and each command after it named `hyperv.trust` again."""
    root, description = prepared.root, prepared.project.folder / "labs" / "lab.yaml"
    moved = serve("pc1", "127.0.0.2", 0, root, "lab", PASSWORD, None, prepared.state("pc1").certificate)
    old, new = (f"{{address: {at}, port: {port}}}" for at, port in (
        ("127.0.0.1", prepared.endpoints["pc1"].port), ("127.0.0.2", moved.port)
    ))  # fmt: skip
    description.write_text(description.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    moved.start()
    answer = prepared.inv("hyperv.trust", "--host", "pc1", "--fingerprint", fingerprint(prepared, "pc1"))
    moved.stop()
    assert answer.code == 6, answer
    assert "does not name 127.0.0.2; it names PC1, localhost, 127.0.0.1, 192.0.2.11" in answer.errors
    assert "hosts.pc1.address" in answer.errors
    assert "Enable-LabHost.ps1" in answer.errors
    assert "pc1.pem" not in prepared.project.kept()
