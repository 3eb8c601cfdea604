"""The whole lab's checkpoints on two stand-in PCs, through WinRM."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from labkit.errors import ConfigError, MissingError, RefusedError
from labkit.hyperv import checkpoints, drift, power

pytestmark = pytest.mark.network


def test_the_whole_lab_is_checkpointed_restored_and_forgotten_in_one_call_a_host_each(pcs: Any) -> None:
    everyone = [machine.name for machine in pcs.lab.machines]
    assert checkpoints.take(pcs.session(), "before") == everyone
    power.start(pcs.session(), ["w1"])
    pcs.change("w2", lambda vm: vm.update(cpus=1))
    session = pcs.session()
    places = checkpoints.find(session, "before")
    assert "is stopped" in "".join(checkpoints.describe(places))
    assert checkpoints.restore(session, "before", places) == everyone
    session = pcs.session()
    facts = session.hosts.read()
    assert sorted(checkpoints.listed(facts)["before"]) == sorted(everyone)
    assert {vm.state for here in facts.values() for vm in here.machines.values()} == {"Off"}
    assert {one.action for one in drift.plan(session.lab, facts).machines} == {"unchanged"}
    assert sorted(checkpoints.forget(pcs.session(), "before")) == sorted(everyone)
    assert checkpoints.forget(pcs.session(), "before") == []
    scripts = Counter(script for _, script in pcs.calls() if "Checkpoint" in script)
    assert scripts == {"New-LabCheckpoint": 2, "Restore-LabCheckpoint": 2, "Remove-LabCheckpoint": 2}


def test_a_lab_of_which_something_runs_gets_no_checkpoint(pcs: Any) -> None:
    power.start(pcs.session(), ["w1"])
    with pytest.raises(RefusedError, match="not off: w1"):
        checkpoints.take(pcs.session(), "before")
    assert not any("Checkpoint" in script for _, script in pcs.calls())


def test_part_of_a_lab_is_never_restored(pcs: Any) -> None:
    checkpoints.take(pcs.session(), "before")
    pcs.change("w3", lambda vm: vm.update(snapshots=[]))
    with pytest.raises(MissingError, match="no checkpoint before of w3"):
        checkpoints.find(pcs.session(), "before")
    with pytest.raises(RefusedError, match="already, of"):
        checkpoints.take(pcs.session(), "before")


@pytest.mark.parametrize("name", ["", "a b", "x*", "[1]", "-x", "n" * 61])
def test_a_name_that_hyperv_would_take_for_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a checkpoint"):
        checkpoints.checked(name)
