"""Stages: what runs, what is asked, what a failure says."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from labkit.errors import ConsentError, DeadlineError, LabError, MissingError, UnreachableError
from labkit.k8s import apicertificate, environment, kubeconfig, kubectl, reset, stages, tree
from labkit.session import Session
from tests import windows
from tests.labs import described, small
from tests.unit.k8s.doubles import UNDER_WAY, FakeMachines, FakeRemote, events
from tests.unit.verify.fakes import certificate

ADMIN = b"""
apiVersion: v1
clusters: [{name: lab-7e57, cluster: {server: 'https://10.190.87.12:6443', certificate-authority-data: QQ==}}]
current-context: admin@lab-7e57
"""


def test_a_run_that_changes_nothing_says_so(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.stream = events({"host": "w1", "status": "ok"})
    assert stages.run(session, "k8s.prepare") is False
    bootstrap.stream = events({"host": "w1", "status": "changed"})
    assert stages.run(session, "k8s.prepare") is True


def test_an_unchanged_tree_is_not_sent_again(session: Session, bootstrap: FakeRemote) -> None:
    stages.run(session, "k8s.prepare")
    assert bootstrap.synced == []
    bootstrap.answers[tree.IDENTITY] = "another\n"
    assert stages.run(session, "k8s.prepare") is True
    ((path, extra),) = bootstrap.synced
    assert path == "/opt/lab/ansible"
    assert set(extra) == {"inventory.yml", "rendered/kubeadm-init.yaml", "rendered/tree"}


def test_another_description_is_another_tree(session: Session) -> None:
    lab = session.lab
    other = dataclasses.replace(lab, kubernetes=lab.kubernetes.model_copy(update={"cni": "flannel"}))
    assert tree.identity(lab) != tree.identity(other)


def test_a_failure_names_machine_task_reason_and_log(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.stream = events({"host": "w2", "status": "failed", "message": "swapoff: no"}, result="exit-code")
    with pytest.raises(LabError) as caught:
        stages.run(session, "k8s.prepare")
    assert "w2: swap : off: swapoff: no" in caught.value.problem
    assert "/var/log/lab/ansible/run.log" in str(caught.value.hint)


def test_a_run_over_its_deadline_is_a_deadline_error(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.stream = events(result="timeout")
    with pytest.raises(DeadlineError, match="ansible_s"):
        stages.run(session, "k8s.prepare")


def test_times_of_machines_stand_in_the_journal(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.stream = events({"host": "w1", "status": "changed"})
    stages.run(session, "k8s.prepare")
    assert [row["times"] for row in session.journal.rows() if row["event"] == "times"] == [{"w1": 1.0}]


def test_a_run_under_way_is_awaited_before_the_own_one(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["systemctl show"] = UNDER_WAY
    stages.run(session, "k8s.join")
    order = [command.split()[0].rpartition("/")[2] for command in bootstrap.commands if "/unit/" in command]
    assert order == ["follow.sh", "start.sh", "follow.sh"]


def test_the_same_stage_under_way_is_attached_to_and_not_done_again(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["systemctl show"] = UNDER_WAY
    bootstrap.stream = events({"host": "cp1", "status": "changed"})
    assert stages.run(session, "k8s.cni") is True
    assert bootstrap.started == []
    bootstrap.stream = events({"host": "cp1", "status": "failed", "message": "no"}, result="exit-code")
    with pytest.raises(LabError, match="no"):
        stages.run(session, "k8s.cni")


def test_the_stage_of_stage_one_installs_ansible(session: Session, bootstrap: FakeRemote) -> None:
    bootstrap.answers["environment.sh"] = "changed: /opt/lab/venv\n"
    assert stages.run(session, "k8s.bootstrap") is True
    (command,) = (command for command in bootstrap.commands if "environment.sh" in command)
    assert command.split()[1:] == ["/opt/lab/ansible/requirements.txt", "http://192.0.2.1/python/simple"]
    bootstrap.answers["environment.sh"] = "ok: /opt/lab/venv\n"
    assert environment.ensure(session) is False


@pytest.mark.parametrize("lab", [described("rehearsal", {"kubernetes": {"certificate_names": ["lab.example"]}})])
def test_the_stage_of_the_control_plane_tells_which_described_names_its_certificate_lacks(
    session: Session, machines: FakeMachines, bootstrap: FakeRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.remotes["cp1"].files[kubectl.ADMIN] = ADMIN
    session.console, told = Console(file=io.StringIO(), width=400), io.StringIO()
    session.console.file = told
    monkeypatch.setattr(apicertificate, "fetch", lambda address: certificate(365))
    stages.run(session, "k8s.control-plane")
    assert "the API server's certificate does not name" in told.getvalue()
    assert "lab.example" in told.getvalue()
    assert "kubeadm init phase certs apiserver" in told.getvalue()


@pytest.mark.parametrize("lab", [small("one node")])
def test_without_a_storage_machine_storage_succeeds_and_says_so(
    session: Session, bootstrap: FakeRemote, printed: io.StringIO
) -> None:
    assert stages.run(session, "nfs.storage") is False
    assert "nothing to do" in printed.getvalue()
    assert bootstrap.commands == []


@pytest.mark.parametrize("lab", [described("rehearsal", {"kubernetes": {"cni": "none"}})])
def test_a_pod_network_of_the_users_own_is_left_to_the_user(
    session: Session, bootstrap: FakeRemote, printed: io.StringIO
) -> None:
    assert stages.missing(session, "k8s.cni") is None
    assert stages.run(session, "k8s.cni") is False
    assert "k8s.cni: this lab is described without it; nothing to do" in printed.getvalue()
    assert bootstrap.commands == []


def test_a_probe_asks_the_stages_machines_and_no_others(session: Session, machines: FakeMachines) -> None:
    machines.remotes["w2"].answers["bash -s"] = "kubelet does not run\n"
    assert stages.missing(session, "k8s.join") == "w2: kubelet does not run"
    assert [name for name, remote in machines.remotes.items() if remote.commands] == ["w1", "w2", "w3"]
    words = machines.remotes["w3"].commands[0].split()
    assert words == ["bash", "-s", "--", "k8s.join", tree.identity(session.lab), "w3"]


def test_the_kubeconfig_points_outside_and_is_its_owners_alone(session: Session, machines: FakeMachines) -> None:
    machines.remotes["cp1"].files[kubectl.ADMIN] = ADMIN
    assert kubeconfig.fetch(session) is True
    assert kubeconfig.fetch(session) is False
    text = session.state.kubeconfig.read_text(encoding="utf-8")
    assert f"https://{session.lab.control_plane.external.address}:6443" in text
    assert "10.190.87.12" not in text
    assert "QQ==" in text
    assert windows.IS_WINDOWS or session.state.kubeconfig.stat().st_mode & 0o077 == 0


def test_without_a_cluster_the_stage_that_makes_it_is_named(session: Session, machines: FakeMachines) -> None:
    with pytest.raises(MissingError, match=r"inv k8s\.control-plane"):
        kubeconfig.fetch(session)


def test_an_unreachable_control_plane_is_not_taken_for_a_missing_cluster(
    session: Session, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FakeRemote, path: str) -> bytes:
        raise UnreachableError("cp1 (10.190.86.12): no SSH connection")

    monkeypatch.setattr(FakeRemote, "get", refuse)
    with pytest.raises(UnreachableError):
        kubeconfig.fetch(session)


def test_reset_asks_before_it_acts_and_acts_on_what_it_showed(
    session: Session, machines: FakeMachines, bootstrap: FakeRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cp1", "w2"):
        machines.remotes[name].answers["bash -s"] = "member\tits membership in the cluster\n"
    with pytest.raises(ConsentError):
        reset.reset(session, dry=False)
    assert bootstrap.started == []
    monkeypatch.setenv("LAB_ASSUME_YES", session.lab.name)
    assert reset.reset(session, dry=True) is False
    assert bootstrap.started == []
    assert reset.reset(session, dry=False) is True
    assert bootstrap.started[0].endswith("k8s.reset reset.yml --limit cp1,w2")


def test_nothing_to_reset_is_no_question(session: Session, machines: FakeMachines, bootstrap: FakeRemote) -> None:
    assert reset.reset(session, dry=False) is False
    assert bootstrap.started == []
