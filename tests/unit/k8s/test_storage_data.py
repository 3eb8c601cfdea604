"""Data on the NFS server: shown, and destroyed only after a consent of its own."""

from __future__ import annotations

import io
import json
import shlex
import sys

import pytest

from labkit.errors import ConsentError
from labkit.line.stages import PLAYBOOKS
from labkit.nfs import data, status
from labkit.session import Session
from tests.labs import small
from tests.unit.k8s.doubles import FakeMachines, FakeRemote


@pytest.fixture
def bootstrap(machines: FakeMachines, bootstrap: FakeRemote) -> FakeRemote:
    machines.remotes["storage1"].answers["bash -s"] = "default/claim a\t120\nshop/db\t2048\n"
    return bootstrap


def test_volumes_are_listed_with_their_sizes(session: Session, bootstrap: FakeRemote) -> None:
    assert data.volumes(session, session.lab.machine("storage1")) == [
        data.Volume("default/claim a", 120),
        data.Volume("shop/db", 2048),
    ]


def test_the_variable_for_rebuilding_does_not_count_for_data(
    session: Session, bootstrap: FakeRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_ASSUME_YES", session.lab.name)
    with pytest.raises(ConsentError, match="does not count"):
        data.destroy(session, dry=False)
    assert bootstrap.commands == []


def test_what_was_shown_is_destroyed_and_nothing_else(
    session: Session, bootstrap: FakeRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: session.lab.name)
    assert data.destroy(session, dry=False) is True
    (command,) = bootstrap.started
    words = shlex.split(command)
    assert words[3:6] == ["nfs.destroy-data", "destroy-data.yml", "--extra-vars"]
    assert json.loads(words[6]) == {"destroy_data_paths": ["default/claim a", "shop/db"]}


@pytest.mark.parametrize("lab", [small("one node")])
def test_without_a_storage_machine_it_says_so_and_asks_nobody(
    session: Session, machines: FakeMachines, printed: io.StringIO
) -> None:
    assert data.destroy(session, dry=False) is False
    status.show(session)
    assert printed.getvalue() == 2 * "lab-7e57 has no machine with the role storage; nothing is stored\n"
    assert [remote.commands for remote in machines.remotes.values() if remote.commands] == []


def test_no_stage_runs_a_playbook_that_destroys() -> None:
    playbooks = {stage.playbook for stage in PLAYBOOKS.values()}
    assert playbooks.isdisjoint({"reset.yml", "destroy-data.yml"})
