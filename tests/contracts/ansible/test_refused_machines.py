"""What stage 2 asks before it changes anything: are these the machines, and is there a release to install on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.ansible.begun import told_by
from tests.contracts.ansible.conftest import Play

Refused = Callable[..., dict[str, str]]
HERE = ("internal_address=127.0.0.1", "mgmt_address=127.0.0.1", "lab_kubernetes_version=1.36.4")
RELEASE = "printf '%s-1.36.4\\n' kubeadm kubectl kubelet"


@pytest.fixture
def refused(play: Play, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """What stage 2 says of each machine that it refuses, where `dnf` answers so; nothing but what reads has run."""

    def run(*variables: str, answer: str = RELEASE) -> dict[str, str]:
        program, events = tmp_path / "bin" / "dnf", folder / "events.jsonl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{answer}\n', encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        extra = [word for variable in (*HERE, *variables) for word in ("--extra-vars", variable)]
        done = play("2-prepare.yml", *extra, LAB_EVENTS_FILE=str(events))
        assert done.returncode != 0, done.stdout
        seen = told_by(events)
        assert not seen.changed
        assert "Name all machines" not in done.stdout
        return {failure.host: failure.message for failure in seen.failures}

    return run


def test_machines_that_are_copies_of_each_other_are_refused_before_anything_changes(refused: Refused) -> None:
    said = refused()
    assert set(said) == {"cp1", "w1", "w2", "w3", "storage1"}
    assert said["w2"].startswith("w2 has the ")
    assert "w2 has the machine-id of cp1, storage1, w1, w3: its disk is a copy" in said["w2"]
    assert "addresses" not in said["w2"].split(":")[0]
    assert "MB of memory" not in said["w2"]


def test_a_machine_with_less_memory_than_described_is_refused_before_anything_changes(refused: Refused) -> None:
    said = refused('{"memory_mb": 100000000}')
    assert "MB of memory; 70000000 MB is the least of what the lab describes" in said["w1"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("printf '%s-1.36.3\\n' kubeadm kubectl kubelet", "where 1.36.3 is offered"),
        ("printf '%s\\n' kubeadm-1.36.4 kubectl-1.36.4 kubelet-1.36.3", "where 1.36.4, 1.36.3 is offered"),
        ("echo 'Status code: 404' >&2; exit 1", "where nothing is offered. Status code: 404"),
    ],
)
def test_a_release_that_nobody_offers_is_refused_before_anything_changes(
    refused: Refused, tmp_path: Path, answer: str, expected: str
) -> None:
    said = refused(answer=answer)
    assert set(said) == {"bootstrap"}
    assert said["bootstrap"].startswith("Kubernetes 1.36.4 is not at http://")
    assert expected in said["bootstrap"]
    assert "/packages/kubernetes/v1.36/rpm/ repoquery" in (tmp_path / "asked").read_text(encoding="utf-8")
