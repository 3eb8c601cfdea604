"""Data on the NFS server: shown, and destroyed only after a consent of its own."""

from __future__ import annotations

import dataclasses
import io
import json
import shlex
import sys

import pytest

from labkit.errors import ConsentError
from labkit.k8s import tree
from labkit.line.stages import PLAYBOOKS
from labkit.nfs import data, status
from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines

LISTED = "default/claim a\t120\nshop/db\t2048\n"


@pytest.fixture
def stored(session: Session, machines: FakeMachines) -> FakeMachines:
    machines.remotes["storage1"].answers["bash -s"] = LISTED
    machines.bootstrap().answers |= {
        "start.sh": "/var/log/lab/ansible/run.jsonl",
        tree.IDENTITY: tree.identity(session.lab),
    }
    machines.bootstrap().stream = [json.dumps({"event": "end", "result": "success", "status": "0"})]
    return machines


def test_volumes_are_listed_with_their_sizes(session: Session, stored: FakeMachines) -> None:
    assert data.volumes(session, session.lab.machine("storage1")) == [
        data.Volume("default/claim a", 120),
        data.Volume("shop/db", 2048),
    ]


def test_the_variable_for_rebuilding_does_not_count_for_data(
    session: Session, stored: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", session.lab.name)
    with pytest.raises(ConsentError, match="does not count"):
        data.destroy(session, dry=False)
    assert stored.bootstrap().commands == []


def test_what_was_shown_is_destroyed_and_nothing_else(
    session: Session, stored: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: session.lab.name)
    assert data.destroy(session, dry=False) is True
    (command,) = (command for command in stored.bootstrap().commands if "start.sh" in command)
    words = shlex.split(command)
    assert words[3:6] == ["nfs.destroy-data", "destroy-data.yml", "--extra-vars"]
    assert json.loads(words[6]) == {"destroy_data_paths": ["default/claim a", "shop/db"]}


def test_without_a_storage_machine_it_says_so_and_asks_nobody(
    session: Session, machines: FakeMachines, printed: io.StringIO
) -> None:
    session.lab = dataclasses.replace(
        session.lab, machines=tuple(m for m in session.lab.machines if m != session.lab.storage)
    )
    assert data.destroy(session, dry=False) is False
    status.show(session)
    said = "lab-7e57 has no machine with the role storage; nothing is stored\n"
    assert printed.getvalue() == 2 * said
    assert [remote.commands for remote in machines.remotes.values() if remote.commands] == []


def test_no_stage_runs_a_playbook_that_destroys() -> None:
    playbooks = {stage.playbook for stage in PLAYBOOKS.values()}
    assert playbooks.isdisjoint({"reset.yml", "destroy-data.yml"})
