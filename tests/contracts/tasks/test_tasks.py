"""What every task promises: a name of its own, a summary, its place in the chain, and what kind it is."""

from __future__ import annotations

from itertools import combinations
from types import ModuleType
from typing import Any

import pytest
from invoke.executor import Executor
from invoke.tasks import Task

import tasks
from labkit.lab import plan
from labkit.line import kinds, stages
from labkit.line.kinds import Destroyer, LabTask, Reader, Stage, Umbrella, Verification
from tasks import gathering

TASKS: dict[str, Any] = {name: tasks.ns[name] for name in tasks.ns.task_names}


def named(*kind: type[LabTask]) -> list[str]:
    """The tasks of these kinds, as typed."""
    return sorted(name for name, task in TASKS.items() if isinstance(task, kind))


ARGUMENTS = {name: task.get_arguments() for name, task in TASKS.items()}  # once: asking takes the helps out of the task

# DESIGN, section 3, and decision 0011: all that has a prerequisite or something that follows; nothing else has.
PRE = {
    "lab.discard": ["lab.check"],
    "hyperv.create": ["hyperv.check"],
    "os.bootstrap": ["hyperv.create"],
    "pxe.setup": ["os.bootstrap"],
    "pxe.publish": ["pxe.setup"],
    "os.install": ["hyperv.create", "pxe.publish"],
    "k8s.bootstrap": ["os.bootstrap"],
    "k8s.prepare": ["os.install", "k8s.bootstrap"],
    "k8s.control-plane": ["k8s.prepare"],
    "k8s.cni": ["k8s.control-plane"],
    "k8s.join": ["k8s.cni"],
    "nfs.server": ["k8s.prepare"],
    "nfs.storage": ["nfs.server", "k8s.join"],
    "nfs.all": ["nfs.storage"],
    "k8s.load-balancer": ["k8s.join"],
    "k8s.all": ["k8s.join", "k8s.load-balancer", "nfs.storage"],
    "lab.up": ["k8s.all"],
    "lab.rebuild": ["lab.discard", "k8s.all"],
}
POST = {
    "lab.up": ["verify.all"],
    "lab.rebuild": ["verify.all"],
    "hyperv.restore": ["verify.all"],
    "k8s.replace": ["k8s.join", "verify.nodes"],
    "k8s.add": ["k8s.join", "k8s.load-balancer", "nfs.storage", "verify.nodes"],
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_exactly_the_designs_prerequisites(name: str) -> None:
    assert [kinds.typed_name(task) for task in TASKS[name].pre] == PRE.get(name, [])
    assert [kinds.typed_name(task) for task in TASKS[name].post] == POST.get(name, [])


def test_no_two_tasks_are_one_for_invoke() -> None:
    for (one, left), (other, right) in combinations(TASKS.items(), 2):
        assert left != right, f"{one} and {other}"
        assert left.name != right.name, f"{one} and {other}"
        assert left.body.__code__ != right.body.__code__, f"{one} and {other}"


@pytest.mark.parametrize("name", TASKS)
def test_a_tasks_own_name_is_the_typed_one_with_underscores(name: str) -> None:
    assert kinds.typed_name(TASKS[name]) == name


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_in_one_short_sentence_what_it_does(name: str) -> None:
    lines = str(TASKS[name].__doc__).splitlines()
    assert lines[0].endswith(".")
    assert lines[0][0].isupper()
    assert len(lines[0]) <= 60
    assert len(lines) == 1 or lines[1] == ""


@pytest.mark.parametrize("name", named(Stage, Umbrella))
def test_a_stage_takes_no_arguments(name: str) -> None:
    assert ARGUMENTS[name] == []


@pytest.mark.parametrize("name", TASKS)
def test_every_option_has_a_help_no_short_name_by_chance_and_no_number_which_invoke_would_end_in_a_traceback(
    name: str,
) -> None:
    for argument in ARGUMENTS[name]:
        assert argument.help
        assert not [nickname for nickname in argument.nicknames if len(nickname) == 1]
        assert argument.kind in {str, bool, list}


@pytest.mark.parametrize("collection", sorted(tasks.ns.collections))
def test_status_is_every_collections_default_and_reads_only(collection: str) -> None:
    assert tasks.ns.collections[collection].default == "status"
    assert isinstance(TASKS[f"{collection}.status"], Reader)


def test_every_stage_has_its_line_in_the_table_and_every_line_a_stage() -> None:
    assert named(Stage) == sorted(stages.STAGES)


def test_a_task_without_a_kind_is_refused_when_its_collection_is_made() -> None:
    module = ModuleType("more")

    vars(module)["k8s_upgrade"] = Task(lambda context: None, name="k8s_upgrade")
    with pytest.raises(TypeError, match="k8s_upgrade says no kind"):
        gathering.gathered(module)


def test_what_only_reads_neither_asks_nor_changes() -> None:
    assert [kind for kind in LabTask.__subclasses__() if kind.only_reads and (kind.changes_the_lab or kind.asks)] == []


# By the last word of its name alone a reader knows that looking is safe.
READING = {
    "bundle", "cache-status", "check", "checkpoints", "logs", "plan", "report", "screenshot", "status", "wait", "watch",
}  # fmt: skip


def test_readers_are_named_by_the_words_of_reading_and_nobody_else_is() -> None:
    assert sorted(name for name in TASKS if name.partition(".")[2] in READING) == named(Reader)


@pytest.mark.parametrize("name", [*named(Stage), "lab.up", "k8s.all", "nfs.all"])
def test_no_destroyer_stands_below_a_stage(name: str) -> None:
    assert not [call for call in plan.calls(TASKS[name]) if isinstance(kinds.of(call), Destroyer)]


def test_a_task_that_only_reads_has_nothing_before_or_after_it() -> None:
    for task in TASKS.values():
        if isinstance(task, Reader | Verification):
            assert not task.pre
            assert not task.post


def test_a_rebuilding_checks_before_it_destroys_and_destroys_before_it_builds() -> None:
    order = [kinds.typed_name(call) for call in plan.calls(TASKS["lab.rebuild"])]
    assert order[:3] == ["lab.check", "lab.discard", "hyperv.check"]
    assert order[-2:] == ["lab.rebuild", "verify.all"]


def test_the_walk_to_joined_workers_passes_every_stage_it_needs() -> None:
    order = [kinds.typed_name(call) for call in plan.calls(TASKS["k8s.join"])]
    assert order == [
        "hyperv.check", "hyperv.create", "os.bootstrap", "pxe.setup", "pxe.publish", "os.install",
        "k8s.bootstrap", "k8s.prepare", "k8s.control-plane", "k8s.cni", "k8s.join",
    ]  # fmt: skip


@pytest.mark.parametrize("name", kinds.GOES_ON)
def test_what_goes_on_after_a_destroyer_is_built_by_what_follows_it(name: str) -> None:
    destroyer, builder = kinds.GOES_ON[name]
    order = [kinds.typed_name(call) for call in plan.calls(TASKS[name])]
    assert isinstance(TASKS[destroyer], Destroyer)
    assert isinstance(TASKS[builder], Stage | Umbrella)
    rest = {kinds.typed_name(call) for call in plan.calls(TASKS[builder])} & set(stages.STAGES)
    assert rest <= set(order[order.index(destroyer) :])


@pytest.mark.parametrize("line", [("k8s.all", "nfs.all", "verify.all"), ("hyperv.create", "pxe.setup", "k8s.all")])
def test_invoke_drops_no_task_of_a_line_for_looking_like_another(line: tuple[str, ...]) -> None:
    executor = Executor(tasks.ns)
    calls = executor.dedupe(executor.expand_calls(executor.normalize(line)))
    assert set(line) <= {kinds.typed_name(call) for call in calls}
