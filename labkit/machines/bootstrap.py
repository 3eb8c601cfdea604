"""os.bootstrap: the bootstrap server is there and opens to the lab's key. It alone is installed from the DVD."""

from __future__ import annotations

from labkit.controller import keys
from labkit.errors import DeadlineError, LabError, UnreachableError
from labkit.machines import access, elsewhere, entry, wait
from labkit.session import Session

KEY_THERE = ".ssh/id_ed25519"  # in the home of the machine user, for Ansible


def bootstrap(session: Session) -> bool:
    """Make what opens the lab, install the bootstrap server if its disk is blank, start it, wait for it.

    Returns whether anything changed. Interrupted, it goes on where it was. Raises MissingError without a DVD,
    RefusedError for a wrong one, where another key than one made here opens the machine, and where it lives at another
    address; DeadlineError when it does not answer in time.
    """
    from labkit.hyperv import bootdisk
    from labkit.hyperv.findings import answering

    machine = session.lab.bootstrap
    facts = answering(session.hosts.read())
    elsewhere.refuse(session, facts)
    if not session.state.private_key.exists():
        access.refuse_unopened(session, facts)
    changed = access.bring_back_host_key(session)
    changed |= entry.prepare(session.lab, session.state)
    if not session.machines.is_up(machine):
        changed |= _begin(session)
    changed |= bootdisk.remove(session)
    changed |= _note_disk(session)
    wait.collect_notes(session, machine)
    return _give_key(session) or changed


def missing(session: Session) -> str | None:
    """What keeps the bootstrap server from being entered, or None."""
    state, machine = session.state, session.lab.bootstrap
    if not state.private_key.exists() or str(machine.external.address) not in keys.pinned(state):
        return "the lab's SSH keys are not made yet"
    if not state.ssh_config.exists() or state.ssh_config.read_text("utf-8") != entry.ssh_config(session.lab, state):
        return f"{state.ssh_config.name} here does not name the machines as described"
    if session.machines.bootstrap().run(f"test -s {KEY_THERE}", check=False, timeout_s=20).code != 0:
        return f"{machine.name} has not got the key that opens the other machines"
    return None


def _begin(session: Session) -> bool:
    """Start the machine, from its boot disk while it is not installed, and wait until it answers."""
    from labkit.hyperv import bootdisk, power

    machine = session.lab.bootstrap
    installs = bootdisk.is_in(session)
    if not installs and power.is_off(session, machine.name):
        installs = bootdisk.insert(session, entry.kickstart_file(session.state).read_text(encoding="utf-8"))
    if installs:
        _note_disk(session)  # before it starts: the next run may find it finished, and off
    started = power.start(session, [machine.name])
    _wait(session, installs)
    return installs or bool(started)


def _note_disk(session: Session) -> bool:
    """Note the system disk beside the pinned host key, which is that of the system on it; whether that is news."""
    from labkit.hyperv import bootdisk
    from labkit.hyperv.findings import answering

    disk = bootdisk.system_disk(session, answering(session.hosts.read()))
    _, public = keys.bootstrap_host_key(session.state)
    address = str(session.lab.bootstrap.external.address)
    return disk is not None and keys.pin(session.state, address, public, disk.id)


def _wait(session: Session, installs: bool) -> None:
    timeouts, machine = session.lab.timeouts, session.lab.bootstrap
    timeout_s = timeouts.install_s if installs else timeouts.bootstrap_s
    doing = "is installed from the DVD, " if installs else ""
    session.console.print(
        f"    {machine.name}: {doing}waiting for SSH at {machine.external.address}, up to {timeout_s} s"
    )
    try:
        wait.for_ssh(session, machine, timeout_s)
    except (DeadlineError, UnreachableError) as error:
        raise _silent(session, error, installs) from None


def _silent(session: Session, error: LabError, installs: bool) -> DeadlineError:
    name = session.lab.bootstrap.name
    look = f"`inv hyperv.screenshot --machine {name}` shows its console"
    if session.lab.switch_of("external").type == "Internal":
        look += f"; with external.nat only the PC {session.lab.bootstrap.host} itself reaches it: type `inv` there"
    if installs:
        again = f"`inv hyperv.stop --machine {name} --cut-power os.bootstrap` begins its installation again"
        return DeadlineError(f"{error.problem}; it was being installed from the DVD", f"{look}; {again}")
    again = f"`inv os.reinstall --machine {name}` installs it anew"
    return DeadlineError(f"{error.problem}; its disk holds something", f"{look}; if it is beyond repair, {again}")


def _give_key(session: Session) -> bool:
    """Let the bootstrap server open the other machines: Ansible runs there. Return whether the key was missing."""
    remote = session.machines.bootstrap()
    private = session.state.private_key.read_bytes()
    present = remote.run(f"cat {KEY_THERE}", check=False).stdout.encode("ascii", "replace")
    if present == private:
        return False
    remote.put(private, KEY_THERE, mode=0o600, sudo=False)
    return True
