"""os.bootstrap, in a file of its own: both `pxe` and `os` build on it."""

from invoke import Context, task

from labkit.line.kinds import Stage
from labkit.session import session
from tasks.hyperv import hyperv_create


@task(klass=Stage, pre=[hyperv_create])
def os_bootstrap(c: Context) -> None:
    """Install and start the bootstrap server; give it the key."""
    from labkit.machines import bootstrap

    s = session(c)
    with s.journal.step("os.bootstrap") as step:
        step.changed = bootstrap.bootstrap(s)
        s.output.print(f"{s.lab.bootstrap.name} answers at {s.lab.bootstrap.external.address}")
