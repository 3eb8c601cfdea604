"""Starting, attaching to and following a run."""

from __future__ import annotations

import shlex

import pytest

from labkit.errors import LabError, MissingError
from labkit.k8s import unit
from labkit.k8s.events import Run
from labkit.session import Session
from tests.unit.k8s.doubles import EVENTS, FakeRemote, events

RUN = unit.Running("k8s.cni", EVENTS)


def test_the_command_line_names_user_deadline_stage_and_playbook(session: Session) -> None:
    words = shlex.split(unit.command_line(session, "k8s.cni", ["cni.yml", "--limit", "a b"]))
    assert words == ["/opt/lab/ansible/unit/start.sh", "lab", "1800", "k8s.cni", "cni.yml", "--limit", "a b"]


def test_a_started_run_is_known_by_its_events(session: Session, bootstrap: FakeRemote) -> None:
    assert unit.start(session, "k8s.cni", ["cni.yml"]) == RUN


def test_without_ansible_the_stage_that_installs_it_is_named(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["start.sh"] = unit.NOT_INSTALLED
    with pytest.raises(MissingError, match=r"inv k8s\.bootstrap"):
        unit.start(session, "k8s.cni", ["cni.yml"])


def test_where_another_run_came_first_the_hint_attaches_to_it(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["start.sh"] = unit.BUSY
    with pytest.raises(LabError, match="attaches"):
        unit.start(session, "k8s.cni", ["cni.yml"])


@pytest.mark.parametrize("state", ["active", "activating", "deactivating"])
def test_a_run_under_way_is_found_by_its_description(session: Session, bootstrap: FakeRemote, state: str) -> None:
    bootstrap.answers["systemctl show"] = f"Description=k8s.cni {EVENTS}\nActiveState={state}\n"
    assert unit.running(session) == RUN


def test_a_unit_that_is_not_there_is_no_run(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["systemctl show"] = "Description=lab-ansible.service\nActiveState=inactive\n"
    assert unit.running(session) is None


def test_following_reads_to_the_end_whatever_the_silences(session: Session, bootstrap: FakeRemote) -> None:
    task, end = events()
    bootstrap.stream = [None, task, None, end, "never read"]
    seen: list[str] = []
    assert unit.follow(session, RUN, lambda _, event: seen.append(event)).result == "success"
    assert seen == ["task", "end"]


def test_a_run_that_ends_without_a_word_is_an_error_that_names_the_log(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.stream = events()[:1]
    with pytest.raises(LabError, match=r"/var/log/lab/ansible/run\.log$"):
        unit.follow(session, RUN, lambda *_: None)


def test_ctrl_c_leaves_the_run_and_says_how_to_go_on(
    session: Session, bootstrap: FakeRemote, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(run: Run, event: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unit.follow(session, RUN, interrupt)
    assert "inv k8s.cni" in " ".join(capsys.readouterr().err.split())
    assert not any("stop" in command for command in bootstrap.commands)
