"""The network boot, served by the bootstrap server on MGMT."""

from invoke import Context, task

from labkit.line.kinds import HostFile, Reader, Stage
from labkit.session import session
from tasks.bootstrap import os_bootstrap


@task(klass=Stage, pre=[os_bootstrap])
def pxe_setup(c: Context) -> None:
    """Set up DHCP, TFTP, HTTP and the install tree."""
    from labkit.pxe import setup

    s = session(c)
    with s.journal.step("pxe.setup") as step:
        changed = setup.set_up(s)
        step.changed = bool(changed)
        s.output.print("\n".join(f"changed: {what}" for what in changed) or "the network boot is as described")


@task(klass=Stage, pre=[pxe_setup])
def pxe_publish(c: Context) -> None:
    """Publish each machine's kickstart and GRUB files."""
    from labkit.pxe import publish

    s = session(c)
    with s.journal.step("pxe.publish") as step:
        changed = publish.publish(s)
        step.changed = bool(changed)
        s.output.print("\n".join(f"changed: {what}" for what in changed) or "the machines' files are as described")


@task(klass=HostFile)
def pxe_media(c: Context) -> None:
    """Fetch the DVD image to its PC; hold it to its SHA-256."""
    from labkit.pxe import media

    s = session(c)
    with s.journal.step("pxe.media") as step:
        found = media.provide(s)
        step.changed = found.fetched
        s.output.print(f"{found.path} on {found.host} is what {found.by} says", soft_wrap=True)


@task(klass=Reader)
def pxe_check(c: Context) -> None:
    """Fetch what a machine fetches; change nothing."""
    from labkit.pxe import check

    s = session(c)
    rows = check.check(s)
    s.output.print(check.table(rows))
    check.require(s, rows)


@task(
    klass=Reader,
    help={"machine": "a machine's name; without it, all of the lab", "lines": "how many of the last lines"},
    auto_shortflags=False,
)
def pxe_logs(c: Context, machine: str = "", lines: str = "200") -> None:
    """Show what the services logged, in time order."""
    from labkit.pxe import logs

    s = session(c)
    s.output.print("\n".join(logs.gather(s, machine, lines)), markup=False, soft_wrap=True)


@task(klass=Reader, help={"machine": "a machine's name; without it, all of the lab"}, auto_shortflags=False)
def pxe_watch(c: Context, machine: str = "") -> None:
    """Watch machines boot and install; change nothing.

    Ends when no machine is armed any more; while none is, with Ctrl-C.
    """
    from labkit.machines import watch

    s = session(c)
    s.output.print(watch.until_installed(s, machine))


@task(klass=Reader)
def pxe_cache_status(c: Context) -> None:
    """Show what is kept of packages and images."""
    from labkit.pxe import cache

    s = session(c)
    s.output.print(cache.table(cache.look(s)))


@task(klass=Reader, default=True)
def pxe_status(c: Context) -> None:
    """Show whether the network boot is as described."""
    from labkit.pxe import status

    s = session(c)
    s.output.print("\n".join(status.lines(s)), markup=False)
