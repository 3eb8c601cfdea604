"""The lab as a whole: from nothing to a proven cluster, and back."""

from invoke import Context, task

from labkit.line.kinds import Controller, Destroyer, Power, Reader, Umbrella
from labkit.session import session
from tasks.k8s import k8s_all
from tasks.verify import verify_all


@task(klass=Reader)
def lab_check(c: Context) -> None:
    """Check that a rebuild can finish; change nothing."""
    from labkit import obstacles
    from labkit.k8s import changes

    s = session(c)
    obstacles.check(s)
    changes.check(s)
    s.output.print(f"{s.lab.name}: ready to be built from {s.lab.source.name}")


@task(klass=Reader, help={"of": "the task to plan (default: lab.up)"}, auto_shortflags=False)
def lab_plan(c: Context, of: str = "lab.up") -> None:
    """Show what lab.up would run, in order, and what is missing."""
    from labkit.lab import plan
    from tasks import ns

    plan.show(session(c), plan.find(ns, of))


@task(klass=Reader, default=True)
def lab_status(c: Context) -> None:
    """Show hosts, machines and nodes."""
    from labkit.lab import status

    status.show(session(c))


@task(klass=Umbrella, pre=[k8s_all], post=[verify_all])
def lab_up(c: Context) -> None:
    """Build what is missing, from nothing to a verified lab."""
    s = session(c)
    s.console.print(f"{s.lab.name} is built; what follows proves it")


@task(klass=Destroyer, pre=[lab_check])
def lab_discard(c: Context) -> None:
    """Throw the nodes' systems away: blank system disks.

    Kept are the bootstrap server with its caches, and the NFS data disk.
    """
    from labkit.lab import lifecycle

    lifecycle.discard(session(c), dry=c.config.run.dry)


@task(klass=Umbrella, pre=[lab_discard, k8s_all], post=[verify_all])
def lab_rebuild(c: Context) -> None:
    """Throw the nodes away and build the whole lab again."""
    s = session(c)
    s.console.print(f"{s.lab.name} is rebuilt; what follows proves it")


@task(klass=Destroyer)
def lab_destroy(c: Context) -> None:
    """Remove all machines and system disks; keep NFS data."""
    from labkit.lab import lifecycle

    lifecycle.destroy(session(c), dry=c.config.run.dry)


@task(klass=Power)
def lab_start(c: Context) -> None:
    """Power on every machine that is off."""
    from labkit.lab import lifecycle

    s = session(c)
    with s.journal.step("lab.start") as step:
        step.changed = bool(lifecycle.start(s))


@task(klass=Power)
def lab_stop(c: Context) -> None:
    """Shut every machine down, workers first."""
    from labkit.lab import lifecycle

    s = session(c)
    with s.journal.step("lab.stop") as step:
        step.changed = bool(lifecycle.stop(s))


@task(klass=Reader, help={"last": "how many of the last runs (default: 1)"}, auto_shortflags=False)
def lab_report(c: Context, last: str = "1") -> None:
    """Show what the last run did and how long it took."""
    from labkit.line import report

    report.show(session(c), last)


@task(
    klass=Reader,
    help={"file": "the file to write (default: lab-ID.TIME.bundle.zip, here)"},
    auto_shortflags=False,
)
def lab_bundle(c: Context, file: str = "") -> None:
    """Gather what a bug report needs into one file."""
    from pathlib import Path

    from labkit.lab import bundle

    s = session(c)
    target = Path(file) if file else bundle.default_file(s)
    s.output.print(bundle.write(s, target), markup=False, soft_wrap=True)
    s.output.print(f"{target}: look into it before you send it", markup=False, soft_wrap=True)


@task(klass=Controller, help={"file": "the file to write (default: lab-ID.export.json, here)"}, auto_shortflags=False)
def lab_export(c: Context, file: str = "") -> None:
    """Write what opens this lab into one file."""
    from pathlib import Path

    from labkit.lab import transfer

    s = session(c)
    target = Path(file) if file else transfer.default_file(s)
    names = transfer.export(s, target)
    s.output.print(f"{target}: {', '.join(names)}", soft_wrap=True)
    s.output.print("Whoever has this file can enter every machine of the lab: move it safely, then remove it.")


@task(
    klass=Controller, help={"file": "what lab.export wrote (default: lab-ID.export.json, here)"}, auto_shortflags=False
)
def lab_import(c: Context, file: str = "") -> None:
    """Take in what lab.export wrote on another controller."""
    from pathlib import Path

    from labkit.lab import transfer

    s = session(c)
    taken = transfer.read_in(s, Path(file) if file else transfer.default_file(s))
    s.output.print(f"{s.lab.name}: {', '.join(taken) or 'all there already'}")
