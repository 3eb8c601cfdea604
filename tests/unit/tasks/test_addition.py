"""A machine more in the description: who refuses it, and each stage sees by itself what it misses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.description.load import load_lab
from labkit.errors import MissingError, RefusedError
from labkit.hyperv import create
from labkit.hyperv.hosts import Hosts
from labkit.k8s import addition, rendered, stages, tree
from labkit.machines import bootstrap, entry
from labkit.pxe import files
from labkit.session import Session
from tests.labs import changed, grown
from tests.unit.hyperv.conftest import Pcs
from tests.unit.k8s.doubles import FakeMachines, attach


@pytest.fixture
def larger(tmp_path: Path) -> Lab:
    """The lab with w4."""
    return load_lab(changed(grown, tmp_path))


@pytest.fixture
def growing(larger: Lab) -> Session:
    """A session of it; nothing is connected."""
    return Session(larger)


@pytest.fixture
def machines(growing: Session) -> FakeMachines:
    return attach(growing)


def said(machines: FakeMachines, ready: str) -> None:
    conditions = [{"type": "Ready", "status": ready}]
    machines.remotes["cp1"].answers |= {
        "get node": json.dumps({"metadata": {"name": "w4"}, "status": {"conditions": conditions}}),
        "get pods": json.dumps({"items": []}),
    }


def test_what_is_no_node_yet_or_not_ready_may_be_added(growing: Session, machines: FakeMachines) -> None:
    assert addition.check(growing, "w4").name == "w4"
    said(machines, "Unknown")
    assert addition.check(growing, "w4").name == "w4"


def test_a_member_is_refused_with_what_repairs_and_what_replaces_it(growing: Session, machines: FakeMachines) -> None:
    said(machines, "True")
    with pytest.raises(RefusedError, match="w2 is a member of the cluster already") as refusal:
        addition.check(growing, "w2")
    assert "inv k8s.replace --machine w2" in str(refusal.value.hint)


@pytest.mark.parametrize("name", ["bootstrap", "cp1", "storage1"])
def test_only_a_worker_is_added(growing: Session, machines: FakeMachines, name: str) -> None:
    with pytest.raises(RefusedError, match="not a worker alone"):
        addition.check(growing, name)


@pytest.mark.parametrize("part", ["get node", "test -e"])
def test_without_a_cluster_that_answers_lab_up_is_named(growing: Session, machines: FakeMachines, part: str) -> None:
    machines.remotes["cp1"].answers[part] = 1
    with pytest.raises(RefusedError, match="nothing can be added to it") as refusal:
        addition.check(growing, "w4")
    assert "inv lab.up" in str(refusal.value.hint)


def test_the_line_that_is_told_for_a_machine_nobody_described_describes_it(session: Session, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"rehearsal.yaml describes no machine 'w4'") as missing:
        addition.check(session, "w4")
    line = str(missing.value.hint).partition("`: ")[2]

    def as_told(text: str) -> str:
        return grown(text, line)

    added = load_lab(changed(as_told, tmp_path)).machine("w4")
    assert (added.number, added.roles, added.host) == (7, ("worker",), "pc1")
    assert added.memory_mb == session.lab.machine("w3").memory_mb


def test_without_a_name_the_next_free_one_is_proposed(session: Session) -> None:
    with pytest.raises(MissingError, match="None was named") as missing:
        addition.check(session, "")
    assert "inv k8s.add --machine w4" in str(missing.value.hint)


def test_after_the_largest_number_the_first_free_one_is_proposed(tmp_path: Path) -> None:
    def numbered(text: str) -> str:
        return text.replace("number: 3,", "number: 99,")

    assert "number: 3," in addition.line(load_lab(changed(numbered, tmp_path)), "w4")


def test_the_hosts_miss_its_vm_and_nothing_else(growing: Session, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "unused")
    growing.__dict__["hosts"] = Hosts(growing.lab, growing.journal, Pcs(lab, built=True).connect)
    assert create.missing(growing) == "machine w4 on pc1: the VM is missing"


def test_the_network_boot_misses_its_reservation_and_its_files(lab: Lab, larger: Lab) -> None:
    old, new = files.services(lab), files.services(larger)
    assert {name for name in new if new[name] != old[name]} == {"dnsmasq.conf"}
    assert str(larger.machine("w4").mgmt.address) in new["dnsmasq.conf"]
    assert files.environment(lab) != files.environment(larger)
    assert files.grub_dispatcher(lab) != files.grub_dispatcher(larger)
    assert files.kickstart(lab, lab.machine("w1"), "key") == files.kickstart(larger, larger.machine("w1"), "key")


def test_every_stage_with_a_mark_is_news_and_the_cluster_itself_is_not(lab: Lab, larger: Lab) -> None:
    assert tree.identity(lab) != tree.identity(larger)
    assert rendered.kubeadm_init(lab) == rendered.kubeadm_init(larger)


def test_the_machine_alone_is_to_join(growing: Session, machines: FakeMachines) -> None:
    machines.remotes["w4"].answers["bash -s"] = "kubelet does not run\n"
    assert stages.missing(growing, "k8s.join") == "w4: kubelet does not run"


def test_plain_ssh_learns_its_name(session: Session, growing: Session, machines: FakeMachines) -> None:
    entry.prepare(session.lab, session.state)
    assert bootstrap.missing(growing) == "ssh_config here does not name the machines as described"
    entry.prepare(growing.lab, growing.state)
    assert "Host w4" in growing.state.ssh_config.read_text(encoding="utf-8")
    assert bootstrap.missing(growing) is None
