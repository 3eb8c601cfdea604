"""The stages that Ansible does: running their playbooks, and the quick look whether they have to run."""

from __future__ import annotations

from labkit.errors import DeadlineError, LabError
from labkit.k8s import apicertificate, changes, environment, kubeconfig, tree, unit
from labkit.k8s.ask import ask
from labkit.k8s.events import Run
from labkit.k8s.live import live
from labkit.line.stages import PLAYBOOKS
from labkit.session import Session


def missing(s: Session, name: str) -> str | None:
    """One sentence that says what stage `name` still lacks, or None: by its mark and by the truth on the machines.

    UnreachableError when a machine does not answer.
    """
    identity = tree.identity(s.lab)
    said = ask(s, PLAYBOOKS[name].machines(s.lab), "probe.sh", lambda machine: (name, identity, machine.name))
    lacks = [f"{machine}: {sentence}" for machine, sentence in said.items() if sentence]
    return "; ".join(lacks) or None


def run(s: Session, name: str) -> bool:
    """Do the stage's whole idempotent work and return whether anything was changed.

    Raises RefusedError, with nothing changed, where it would half-change what lives (`changes`); LabError
    with machine, task and reason when it fails: what other machines had done stays done.
    """
    stage = PLAYBOOKS[name]
    if not stage.machines(s.lab):
        s.output.print(f"{name}: this lab is described without it; nothing to do")
        return False
    changes.refuse_stage(s, name)
    attached = _await_others(s, name)
    changed = tree.push(s)
    if name == "k8s.bootstrap":
        changed = environment.ensure(s) or changed
    done = attached if attached and not changed else play(s, name, [stage.playbook])
    if name == "k8s.control-plane":
        changed = kubeconfig.fetch(s) or changed
        apicertificate.tell_unnamed(s)
    return changed or done.changed


def play(s: Session, name: str, arguments: list[str]) -> Run:
    """Run one playbook as the unit, attached until its end; its times go to the journal. LabError when it fails."""
    what = unit.start(s, name, arguments)
    with live(s.console) as watcher:
        done = unit.follow(s, what, watcher)
    s.journal.write("times", step=name, times=done.seconds_by_machine())
    _judge(name, what, done)
    return done


def _await_others(s: Session, name: str) -> Run | None:
    """Attach to a run that is under way (a lost connection, another terminal) until its end: one at a time.

    What became of it is returned when it was this very stage, which then need not run again.
    """
    what = unit.running(s)
    if what is None:
        return None
    s.console.print(f"    attached to {what.stage}, which is under way on the bootstrap server")
    with live(s.console) as watcher:
        done = unit.follow(s, what, watcher)
    if what.stage != name:
        return None
    _judge(name, what, done)
    return done


def _judge(name: str, what: unit.Running, done: Run) -> None:
    """Raise what a run's end means, unless it went well."""
    if done.result == "success":
        return
    hint = f"the whole log on the bootstrap server: {what.log}"
    if done.result == "timeout":
        raise DeadlineError(f"{name} was ended at its deadline (timeouts.ansible_s)", hint)
    if done.failures:
        rows = (f"{failure.host}: {failure.task}: {failure.message}" for failure in done.failures)
        raise LabError(f"{name} failed\n  " + "\n  ".join(rows), hint)
    raise LabError(f"{name} ended with {done.result} {done.status}", hint)
