"""os.bootstrap: the bootstrap server is there and opens to the lab's key."""

from __future__ import annotations

from labkit import keys
from labkit.errors import DeadlineError, RefusedError, UnreachableError
from labkit.machines import entry, wait
from labkit.session import Session

KEY_THERE = ".ssh/id_ed25519"  # in the home of the machine user, for Ansible


def bootstrap(session: Session) -> bool:
    """Make what opens the lab, start the bootstrap server if it is off, wait for it; return whether anything changed.

    Raises RefusedError when it does not answer in time: its unattended installation is not there yet.
    """
    from labkit.hyperv import power

    machine = session.lab.bootstrap
    changed = entry.prepare(session.lab, session.state)
    if not session.machines.is_up(machine):
        changed |= bool(power.start(session, [machine.name]))
        _wait(session)
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


def _wait(session: Session) -> None:
    timeout_s = session.lab.timeouts.bootstrap_s
    machine = session.lab.bootstrap
    session.console.print(f"    {machine.name}: waiting for SSH at {machine.external.address}, up to {timeout_s} s")
    try:
        wait.for_ssh(session, machine, timeout_s)
    except (DeadlineError, UnreachableError) as error:
        raise RefusedError(
            f"{error.problem}; the unattended installation of the bootstrap server is not there yet",
            f"install Rocky Linux {session.lab.rocky.release} by hand in the VM {machine.vm_name} on {machine.host},"
            f" with the kickstart file {entry.kickstart_file(session.state)}, then repeat{_only_from_that_pc(session)}",
        ) from None


def _only_from_that_pc(session: Session) -> str:
    """What else keeps a bootstrap server behind NAT from answering."""
    if session.lab.switch_of("external").type != "Internal":
        return ""
    return f"; with external.nat only the PC {session.lab.bootstrap.host} itself reaches it: type `inv` there"


def _give_key(session: Session) -> bool:
    """Let the bootstrap server open the other machines: Ansible runs there. Return whether the key was missing."""
    remote = session.machines.bootstrap()
    private = session.state.private_key.read_bytes()
    present = remote.run(f"cat {KEY_THERE}", check=False).stdout.encode("ascii", "replace")
    if present == private:
        return False
    remote.put(private, KEY_THERE, mode=0o600, sudo=False)
    return True
