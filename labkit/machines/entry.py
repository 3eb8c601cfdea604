"""What opens the lab, made by os.bootstrap: keys, pins, the bootstrap server's kickstart, a file for plain ssh."""

from __future__ import annotations

from pathlib import Path

from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.pxe import files
from labkit.render import render


def prepare(lab: Lab, state: StateDir) -> bool:
    """Make in `.lab/<id>/` what is missing there or differs; return whether anything was written.

    Raises RefusedError, with nothing written, where a private key that machines know was lost.
    """
    keys.refuse_lost(state, lab.bootstrap)
    had = state.private_key.exists() and keys.has_host_key(state)
    written = [keys.ensure_lab_keys(state, lab.name, lab.bootstrap.name)]
    private, public = keys.bootstrap_host_key(state)
    disk = "" if had else keys.NO_DISK  # no system has these keys before `os.bootstrap` installs one with them
    written += [keys.pin(state, str(lab.bootstrap.external.address), public, disk)]
    text = files.kickstart(lab, lab.bootstrap, keys.public_key(state), files.HostKey(private, public))
    written += [state.write(kickstart_file(state), text), state.write(state.ssh_config, ssh_config(lab, state))]
    return any(written)


def kickstart_file(state: StateDir) -> Path:
    """The kickstart that the bootstrap server is installed from; it holds its private host key."""
    return state.bootstrap / "ks.cfg"


def ssh_config(lab: Lab, state: StateDir) -> str:
    """A configuration for the system's ssh, with every machine by name; forward slashes, which Windows takes too."""
    return render(
        "ssh_config.j2",
        user=lab.machine_user,
        key=state.private_key.absolute().as_posix(),
        known_hosts=state.known_hosts.absolute().as_posix(),
        bootstrap=lab.bootstrap,
        others=lab.installed_by_network,
    )
