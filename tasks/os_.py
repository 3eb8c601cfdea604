"""The machines' operating systems. The file is not called os.py, which would hide Python's own module."""

from invoke import Context, task

from labkit.line.kinds import Destroyer, Door, Reader, Stage
from labkit.session import session
from tasks.hyperv import hyperv_create
from tasks.pxe import pxe_publish

ALL = "a machine's name; without it, all of the lab"


@task(klass=Stage, pre=[hyperv_create, pxe_publish])
def os_install(c: Context) -> None:
    """Install every machine that has a fresh disk."""
    from labkit.machines import install

    s = session(c)
    with s.journal.step("os.install") as step:
        step.changed = install.install(s)
        names = [machine.name for machine in s.lab.installed_by_network]
        s.output.print(f"installed and answering: {', '.join(names)}")


@task(klass=Reader, help={"machine": ALL}, auto_shortflags=False)
def os_wait(c: Context, machine: str = "") -> None:
    """Wait until machines answer by SSH; change nothing."""
    from labkit.machines import watch

    s = session(c)
    seconds = watch.until_ssh(s, machine)
    s.output.print("\n".join(f"{name} answers ({passed} s)" for name, passed in seconds.items()))


@task(klass=Destroyer, help={"machine": "the machine to install anew"}, auto_shortflags=False)
def os_reinstall(c: Context, machine: str = "") -> None:
    """Throw one machine's system away; install it anew.

    Its data disk stays. Afterwards `inv k8s.join` lets it into the cluster again.
    """
    from labkit.machines import reinstall

    s = session(c)
    with s.journal.step("os.reinstall") as step:
        step.changed = reinstall.reinstall(s, machine, dry=c.config.run.dry)


@task(
    klass=Door,
    help={"machine": "the machine to enter (default: the bootstrap server)", "command": "run this there and leave"},
    auto_shortflags=False,
)
def os_ssh(c: Context, machine: str = "", command: str = "") -> None:
    """Enter a machine with the system's ssh."""
    from labkit.machines import enter

    enter.enter(session(c), machine, command)


@task(klass=Reader, default=True)
def os_status(c: Context) -> None:
    """Show what is installed and what answers."""
    from labkit.machines import status

    status.show(session(c))
