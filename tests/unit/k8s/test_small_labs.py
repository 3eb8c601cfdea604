"""Every stage of labs with fewer machines than roles: what it asks, what it runs."""

from __future__ import annotations

import pytest

from labkit.description.lab import Lab
from labkit.k8s import kubectl, stages, unit
from labkit.line.stages import PLAYBOOKS
from labkit.session import Session
from tests.labs import SMALL, delivered, small
from tests.unit.k8s.doubles import FakeMachines, FakeRemote, events
from tests.unit.k8s.test_stages import ADMIN

LABS = [delivered("one-pc-16gb"), *map(small, SMALL)]
NFS = {"nfs.server", "nfs.storage"}


@pytest.mark.parametrize("lab", LABS)
def test_each_stage_runs_its_playbook_once_and_those_of_storage_where_there_is_some(
    session: Session, machines: FakeMachines, bootstrap: FakeRemote, lab: Lab
) -> None:
    machines.remotes["cp1"].files[kubectl.ADMIN] = ADMIN
    for name in PLAYBOOKS:
        bootstrap.stream = events()
        stages.run(session, name)
    ran = [name for name in PLAYBOOKS if lab.storage or name not in NFS]
    assert bootstrap.started == [unit.command_line(session, name, [PLAYBOOKS[name].playbook]) for name in ran]


@pytest.mark.parametrize("lab", LABS)
def test_a_probe_asks_each_machine_of_a_stage_once(session: Session, machines: FakeMachines, lab: Lab) -> None:
    assert all(stages.missing(session, name) is None for name in PLAYBOOKS)
    prepared = {*lab.nodes, *([lab.storage] if lab.storage else [])}
    for machine in lab.machines:
        commands = machines.remotes[machine.name].commands
        assert len(commands) == len(set(commands))
        assert any("k8s.prepare" in command for command in commands) is (machine in prepared)
        assert any("k8s.join" in command for command in commands) is (machine in lab.workers)
