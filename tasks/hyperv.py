"""The machines on their Hyper-V hosts."""

from invoke import Context, task

from labkit.errors import LabError, together
from labkit.line.kinds import Controller, Destroyer, HostNetwork, Keeper, Power, Reader, Stage
from labkit.session import session
from tasks.verify import verify_all

ONE = {"machine": "a machine's name; without it, all of the lab"}


@task(klass=Reader)
def hyperv_check(c: Context) -> None:
    """Check that the hosts can carry the lab; change nothing."""
    from labkit.hyperv import check

    s = session(c)
    facts = check.check(s)
    s.output.print(f"{', '.join(facts)}: ready for {s.lab.name}")


@task(klass=Stage, pre=[hyperv_check])
def hyperv_create(c: Context) -> None:
    """Create missing machines; repair what stops nothing."""
    from labkit.hyperv import create, display

    s = session(c)
    with s.journal.step("hyperv.create") as step:
        done = create.create(s)
        step.changed = any(done.values())
        s.output.print(display.done_table(s.lab, done))


@task(klass=Reader)
def hyperv_plan(c: Context) -> None:
    """Show what differs from the description; change nothing."""
    from labkit.hyperv import display, drift, findings

    s = session(c)
    plan = drift.plan(s.lab, findings.answering(s.hosts.read()))
    s.output.print(display.plan_table(s.lab, plan))


NAME = {"name": "the checkpoint's name"}


@task(klass=Keeper, help=NAME, auto_shortflags=False)
def hyperv_checkpoint(c: Context, name: str = "") -> None:
    """Take a checkpoint of the whole lab, which is off."""
    from labkit.hyperv import checkpoints

    s = session(c)
    with s.journal.step("hyperv.checkpoint") as step:
        taken = checkpoints.take(s, checkpoints.checked(name))
        step.changed = bool(taken)
        s.output.print(f"checkpoint {name}: {', '.join(taken)}")


@task(klass=Destroyer, help=NAME, auto_shortflags=False, post=[verify_all])
def hyperv_restore(c: Context, name: str = "") -> None:
    """Take the whole lab back to a checkpoint, and prove it."""
    from labkit.hyperv import checkpoints
    from labkit.lab import rollback

    s = session(c)
    checkpoints.given(name)
    with s.journal.step("hyperv.restore") as step:
        step.changed = rollback.restore(s, name, dry=c.config.run.dry)


@task(klass=Reader)
def hyperv_checkpoints(c: Context) -> None:
    """List the lab's checkpoints."""
    from labkit.hyperv import checkpoints, display, findings

    s = session(c)
    facts = findings.answering(s.hosts.read())
    there = checkpoints.listed(facts)
    s.output.print(display.checkpoints_table(s.lab, facts) if there else f"{s.lab.name} has no checkpoints")


@task(klass=Keeper, help=NAME, auto_shortflags=False)
def hyperv_forget(c: Context, name: str = "") -> None:
    """Remove a checkpoint; the machines stay as they are."""
    from labkit.hyperv import checkpoints

    s = session(c)
    with s.journal.step("hyperv.forget") as step:
        having = checkpoints.forget(s, checkpoints.given(name))
        step.changed = bool(having)
        s.output.print(f"removed {name}: {', '.join(having) or 'none, no machine had it'}")


@task(klass=Reader, help=ONE, auto_shortflags=False)
def hyperv_screenshot(c: Context, machine: str = "") -> None:
    """Write pictures of running machines' consoles."""
    from labkit.description import choice
    from labkit.hyperv import screen

    s = session(c)
    for file in screen.shoot(s, choice.names(s.lab, machine)):
        s.output.print(str(file), soft_wrap=True)


HOST = {
    "host": "a host's name; without it, every host",
    "fingerprint": "what that PC printed; without it, you are asked",
}


@task(klass=Controller, help=HOST, auto_shortflags=False)
def hyperv_trust(c: Context, host: str = "", fingerprint: str = "") -> None:
    """Trust the hosts' own certificates, after comparing."""
    from labkit.description import choice
    from labkit.hyperv import trust

    s = session(c)
    hosts = choice.hosts(s.lab, host)
    offers, errors = trust.fetch(s, hosts)
    for offer in offers:
        s.output.print(f"{offer.host.name} ({offer.host.address}) shows {offer.fingerprint}", soft_wrap=True)
        try:
            is_new = trust.settle(s, offer, fingerprint)
        except LabError as error:  # of this PC alone
            errors.append(error)
        else:
            how = "from now on, and no other certificate" if is_new else "already"
            s.output.print(f"{offer.host.name}: trusted {how}")
    for plain in (one.name for one in hosts if one.scheme == "http"):
        s.output.print(f"{plain}: scheme http, encrypted by NTLM; there is no certificate")
    if errors:
        raise together(errors)


@task(klass=Reader, default=True)
def hyperv_status(c: Context) -> None:
    """Show the machines on their hosts."""
    from labkit.hyperv import display
    from labkit.machines.progress import progress

    s = session(c)
    facts, errors = s.hosts.survey()
    if facts:
        found = progress(s, facts)
        table = display.status_table(s.lab, facts, found.stages, found.caveat, width=s.output.width)
        s.output.print(table)
    if errors:
        raise together(errors)


@task(klass=Power, help=ONE, auto_shortflags=False)
def hyperv_start(c: Context, machine: str = "") -> None:
    """Power on machines that are off."""
    from labkit.description import choice
    from labkit.hyperv import power

    s = session(c)
    with s.journal.step("hyperv.start") as step:
        started = power.start(s, choice.names(s.lab, machine))
        step.changed = bool(started)
        s.output.print(f"started: {', '.join(started) or 'none, all run'}")


@task(klass=Power, help={**ONE, "cut-power": "turn off without asking the guests"}, auto_shortflags=False)
def hyperv_stop(c: Context, machine: str = "", cut_power: bool = False) -> None:
    """Shut machines down."""
    from labkit.description import choice
    from labkit.hyperv import power

    s = session(c)
    with s.journal.step("hyperv.stop") as step:
        stopped = power.stop(s, choice.names(s.lab, machine), cut_power=cut_power)
        step.changed = bool(stopped)
        s.output.print(f"stopped: {', '.join(stopped) or 'none, all are off'}")


@task(klass=HostNetwork)
def hyperv_switch(c: Context) -> None:
    """Make missing virtual switches; prove the path between PCs."""
    from labkit.hyperv import path, switching
    from labkit.line import consent

    s = session(c)
    makings = switching.find(s)
    pauses = switching.describe(makings)
    agreed = consent.require(s, pauses, s.command, dry=c.config.run.dry, verb="change") if pauses else True
    if c.config.run.dry or not agreed:
        return
    with s.journal.step("hyperv.switch") as step:
        step.changed = False
        for making in makings:
            made = switching.make(s, making)
            step.changed |= bool(made)
            s.output.print(f"{making.host.name}: {', '.join(made) or 'all there'}")
        for line in path.prove(s):
            s.output.print(line)


@task(klass=Destroyer)
def hyperv_remove_switch(c: Context) -> None:
    """Remove the virtual switches that the lab made."""
    from labkit.hyperv import unswitching
    from labkit.line import consent

    s = session(c)
    removals, stay = unswitching.find(s)
    for line in stay:
        s.output.print(line, markup=False)
    if consent.require(s, [str(one) for one in removals], s.command, dry=c.config.run.dry):
        with s.journal.step("hyperv.remove-switch") as step:
            gone = unswitching.remove(s, removals)
            step.changed = bool(gone)
            s.output.print(f"removed: {', '.join(gone)}", markup=False)


@task(klass=Destroyer, help=ONE, auto_shortflags=False)
def hyperv_destroy(c: Context, machine: str = "") -> None:
    """Remove VMs and system disks; data disks stay."""
    from labkit.hyperv import destroy
    from labkit.line import consent

    s = session(c)
    removals = destroy.find(s, [machine] if machine else None)
    if consent.require(s, destroy.describe(removals), s.command, dry=c.config.run.dry):
        with s.journal.step("hyperv.destroy") as step:
            gone = destroy.remove(s, removals)
            step.changed = bool(gone)
            s.output.print(f"removed: {', '.join(gone)}")
