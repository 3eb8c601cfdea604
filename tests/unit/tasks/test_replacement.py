"""A worker is replaced: what is shown first, the order of what is done, and where a call that was cut off goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.controller import keys
from labkit.errors import ConsentError, DeadlineError, LabError, MissingError, RefusedError, UnreachableError
from labkit.k8s import nodes, replacement
from labkit.session import Session
from tests.labs import small
from tests.unit.hyperv.conftest import Pcs, done
from tests.unit.k8s.doubles import FakeMachines, FakeRemote

DAEMON, REPLICAS = ({"kind": kind, "controller": True} for kind in ("DaemonSet", "ReplicaSet"))


def pod(name: str, *owners: dict[str, Any], phase: str = "Running", volume: str = "", **metadata: Any) -> Any:
    volumes = [{"name": volume, "emptyDir": {}}] if volume else []
    return {
        "metadata": {"name": name, "namespace": "default", "ownerReferences": list(owners), **metadata},
        "spec": {"volumes": [*volumes, {"name": "claim", "persistentVolumeClaim": {}}]},
        "status": {"phase": phase},
    }


PODS = [
    pod("web", REPLICAS),
    pod("cache", REPLICAS, volume="scratch"),
    pod("naked"),
    pod("over", phase="Succeeded"),
    pod("agent", DAEMON, volume="run"),
    pod("proxy", annotations={"kubernetes.io/config.mirror": "x"}),
]


class World:
    """The lab as it stands: w2 is an installed, Ready member. Tests change it and look at what was done."""

    def __init__(self, session: Session, pcs: Pcs, machines: FakeMachines) -> None:
        self.session, self.pcs, self.machines = session, pcs, machines
        self.pcs.replies["Reset-LabMachine"] = self._reset
        self.done: list[str] = []
        self.disk = session.hosts.read()["pc2"].machines["w2"].system_disk
        session.hosts.forget()
        self.node("True")
        self.api.answers["get pods"] = json.dumps({"items": PODS})
        self.know(self.disk.id if self.disk else "")
        self.machines.remotes["w2"].answers["bash -s"] = "member\tits membership in the cluster\n"

    @property
    def api(self) -> FakeRemote:
        return self.machines.remotes["cp1"]

    def node(self, ready: str) -> None:
        """What the API says of w2: Ready's status, or '' for no such node."""
        conditions = [{"type": "Ready", "status": ready}]
        node = {"metadata": {"name": "w2"}, "status": {"conditions": conditions}}
        self.api.answers["get node w2"] = json.dumps(node) if ready else ""

    def know(self, disk: str, state: str = "installed") -> None:
        """What the bootstrap server's records say of w2; nothing for no disk."""
        row = json.dumps({"state": state, "machine": "w2", "disk": disk, "time": 1}) if disk else ""
        self.machines.bootstrap().answers["ssh_known_hosts"] = f"{row}\nnow 2 +0000\n"

    def _reset(self, host: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._take_down_words()
        self.done += [f"reset {one['name']} {one['id']} on {host}" for one in parameters["Machine"]]
        return done(host, parameters)

    def _take_down_words(self) -> None:
        words = [word for word in ("drain", "delete") for said in self.api.commands if f" {word} " in said]
        self.done += [word for word in words if word not in self.done]

    def replace(self, *, dry: bool = False) -> bool:
        was_done = replacement.replace(self.session, "w2", dry=dry)
        self._take_down_words()
        return was_done


@pytest.fixture
def world(session: Session, pcs: Pcs, machines: FakeMachines) -> World:
    return World(session, pcs, machines)


def reset_of(world: World) -> str:
    return f"reset w2 {world.pcs.vm('w2')['id']} on pc2"


def test_a_worker_is_drained_then_loses_its_system_then_its_node(world: World) -> None:
    assert world.replace() is True
    assert world.done == ["drain", reset_of(world), "delete"]
    (drain,) = (said for said in world.api.commands if " drain " in said)
    assert {"--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s"} <= set(drain.split())
    assert world.machines.forgotten == ["w2"]


def test_nobody_agreed_so_nothing_happens_and_dry_only_shows(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.replace(dry=True) is False
    shown = capsys.readouterr().out
    assert world.disk is not None
    for line in (
        "node w2 of the cluster: 2 pods are evicted and made anew elsewhere",
        "pod default/naked, which nothing makes anew",
        "what pod default/cache keeps in emptyDir (scratch)",
        world.disk.path,
    ):
        assert line in shown
    assert "agent" not in shown
    assert "over" not in shown.replace("power", "")
    monkeypatch.delenv("LAB_ASSUME_YES")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConsentError):
        world.replace()
    assert world.done == []


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_node_not_ready_is_not_waited_for(world: World, ready: str, capsys: pytest.CaptureFixture[str]) -> None:
    world.node(ready)
    assert world.replace() is True
    assert world.done == [reset_of(world), "delete"]
    assert "without having been ended" in capsys.readouterr().out


def test_the_node_of_a_machine_that_is_off_is_not_waited_for_however_ready_it_seems(world: World) -> None:
    world.pcs.vm("w2")["state"] = "Off"
    assert world.replace() is True
    assert world.done == [reset_of(world), "delete"]


def test_a_ready_node_that_pods_do_not_leave_is_left_whole_and_cordoned(world: World) -> None:
    world.api.answers["drain"] = 1
    with pytest.raises(LabError, match=r"w2 was not drained within 120 s; it is still whole") as failure:
        world.replace()
    assert "kubectl uncordon w2" in str(failure.value.hint)
    assert reset_of(world) not in world.done


def test_a_node_that_dies_while_it_is_drained_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = FakeRemote.sudo

    def dies(remote: FakeRemote, command: str, **options: Any) -> Any:
        if " drain " in command:
            world.node("Unknown")
            raise DeadlineError("cp1: `kubectl drain` did not end within 180 s")
        return run(remote, command, **options)

    monkeypatch.setattr(FakeRemote, "sudo", dies)
    assert world.replace() is True
    assert world.done == [reset_of(world), "delete"]


def test_without_a_node_the_system_goes_all_the_same(world: World) -> None:
    world.node("")
    assert world.replace() is True
    assert world.done == [reset_of(world)]


def test_cut_off_before_the_node_was_forgotten_it_forgets_it_and_throws_nothing_away(world: World) -> None:
    world.know("0ld00000")
    assert world.replace() is True
    assert world.done == ["delete"]


@pytest.mark.parametrize(("disk", "state"), [("0ld00000", "installed"), ("", "armed")])
def test_cut_off_while_it_is_installed_nothing_is_asked(
    world: World, disk: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_ASSUME_YES")
    world.node("")
    world.know(disk or (world.disk.id if world.disk else ""), state)
    assert world.replace() is False
    assert world.done == []


@pytest.mark.parametrize("left", ["", "left\twhat a join or an init that broke off has left\n"])
def test_installed_anew_and_not_joined_yet_it_is_not_thrown_away_again(world: World, left: str) -> None:
    world.node("")
    world.machines.remotes["w2"].answers["bash -s"] = left
    assert world.replace() is False
    assert world.done == []


def test_a_machine_that_cannot_be_entered_is_no_fresh_one(world: World) -> None:
    world.node("")
    world.machines.remotes["w2"].answers.clear()
    world.machines.silent.add("w2")
    assert world.replace() is True


def test_a_machine_that_a_new_bootstrap_server_knows_nothing_of_counts_as_whole(world: World) -> None:
    world.know("")
    assert world.replace() is True
    assert world.done == ["drain", reset_of(world), "delete"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bootstrap", "inv os.reinstall --machine bootstrap`, then `inv lab.up"),
        ("cp1", "inv lab.rebuild"),
        ("storage1", "inv os.reinstall --machine storage1`, then `inv k8s.all"),
    ],
)
def test_other_machines_are_refused_with_what_to_use_instead(world: World, name: str, hint: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        replacement.replace(world.session, name, dry=False)
    assert hint in str(refusal.value.hint)
    assert world.done == []


@pytest.mark.parametrize(("lab", "name"), [("one node", "cp1"), ("a worker that stores", "w1")])
def test_a_worker_that_is_something_else_too_is_refused(lab: str, name: str) -> None:
    with pytest.raises(RefusedError):
        replacement.worker(Session(small(lab)), name)


@pytest.mark.parametrize("name", ["", "w9"])
def test_no_machine_is_refused(world: World, name: str) -> None:
    with pytest.raises(MissingError):
        replacement.replace(world.session, name, dry=False)


def test_a_silent_cluster_is_refused_with_the_two_commands_that_ask_none(world: World) -> None:
    world.api.answers["get node w2"] = 1
    with pytest.raises(RefusedError, match="the cluster does not answer, so w2 cannot leave it") as refusal:
        world.replace()
    assert "`inv os.reinstall --machine w2`, then `inv k8s.join`" in str(refusal.value.hint)
    world.api.answers["test -e"] = 1
    with pytest.raises(RefusedError, match="cp1 is no control plane yet"):
        world.replace()
    assert world.done == []


@pytest.mark.parametrize("state", ["Running", "Off"])
def test_a_silent_bootstrap_server_is_not_taken_for_a_silent_cluster(world: World, state: str) -> None:
    world.machines.silent.add("bootstrap")
    _, host_key = keys.bootstrap_host_key(world.session.state)
    disk = world.session.hosts.read()["pc1"].machines["bootstrap"].system_disk
    keys.pin(world.session.state, str(world.session.lab.bootstrap.external.address), host_key, disk.id if disk else "")
    world.session.hosts.forget()
    world.pcs.vm("bootstrap")["state"] = state
    with pytest.raises(UnreachableError, match="bootstrap"):
        world.replace()


def test_what_would_stop_the_installation_is_found_before_anything_goes(world: World) -> None:
    world.pcs.vm("w3")["generation"] = 1
    with pytest.raises(RefusedError, match="w3 on pc2: it is a generation 1 VM"):
        world.replace()
    world.pcs.vm("w3")["generation"] = 2
    world.pcs.vm("w2")["generation"] = 1
    world.session.hosts.forget()
    with pytest.raises(RefusedError, match="w2 on pc2"):
        world.replace()
    assert world.done == []


def test_what_a_blank_disk_puts_right_is_no_obstacle(world: World) -> None:
    row = next(row for row in world.pcs.answers["pc2"]["disks"] if row["mark"]["machine"] == "w2")
    row["mark"]["kind"] = "discarded"
    assert world.replace() is True
    assert world.done == ["drain", reset_of(world), "delete"]


def test_ctrl_c_while_draining_says_how_to_take_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.k8s.kubectl.run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        nodes.drain(world.session, nodes.Node("w2", True))
    assert "kubectl uncordon w2" in capsys.readouterr().err
