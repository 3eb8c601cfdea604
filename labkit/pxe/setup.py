"""pxe.setup: the network boot services on the bootstrap server, by its scripts."""

from __future__ import annotations

from labkit.project import BASH, PYTHON
from labkit.pxe import files, foreign, server
from labkit.session import Session
from labkit.transport.remote import Remote, files_of

UNITS = ("dnsmasq", "nginx", "firewalld")
TARGETS = {
    "dnsmasq.conf": "/etc/dnsmasq.conf",
    "nginx.conf": "/etc/nginx/nginx.conf",
    "lab-mgmt.xml": "/etc/firewalld/zones/lab-mgmt.xml",
    "lab.logrotate": "/etc/logrotate.d/lab",
}


def set_up(session: Session) -> list[str]:
    """Upload scripts and settings where they differ, and run them all; return what was changed over there.

    Packages, folders, SELinux, dnsmasq, nginx, firewall, install tree and boot files. Raises what a script refuses, and
    RefusedError when somebody else serves DHCP on MGMT: that is looked for each time before dnsmasq begins.
    """
    remote = session.machines.bootstrap()
    uploads = _uploads(session)
    changed = server.differing(remote, uploads)
    if changed:
        remote.sync(None, server.SCRIPTS, _scripts(session))
        remote.put(uploads[server.ENV_FILE], server.ENV_FILE, mode=0o600)
    changed += server.run(remote, "pxe-packages.sh")
    if _idle(remote, "dnsmasq"):
        foreign.refuse_others(session, remote)
    return changed + server.run(remote, "pxe-services.sh", "pxe-tree.sh")


def missing(session: Session) -> str | None:
    """What keeps the network boot from being served as described, or None."""
    remote = session.machines.bootstrap()
    services = files.services(session.lab)
    expected = _uploads(session) | {path: services[name].encode() for name, path in TARGETS.items()}
    different = server.differing(remote, expected)
    if different:
        return f"{different[0]} on {remote.name} is not as described"
    if remote.sudo(f"test -s {server.TFTP}/shimx64.efi", check=False).code != 0:
        return f"{remote.name} has no boot files yet"
    idle = _idle(remote, *UNITS)
    return f"{idle[0]} does not run on {remote.name}" if idle else None


def _idle(remote: Remote, *units: str) -> list[str]:
    """Which of the units do not run; one by one: asked for several, systemctl is content with a single active one."""
    look = f"for unit in {' '.join(units)}; do systemctl is-active --quiet $unit || echo $unit; done"
    return remote.sudo(look).stdout.split()


def _uploads(session: Session) -> dict[str, bytes]:
    """Every file that set_up uploads, by its path over there."""
    uploads = {f"{server.SCRIPTS}/{name}": content for name, content in _scripts(session).items()}
    return uploads | {server.ENV_FILE: files.environment(session.lab).encode()}


def _scripts(session: Session) -> dict[str, bytes]:
    """The folder of the scripts over there: programs, and beside them the configuration that they install."""
    configs = {f"files/{name}": text.encode() for name, text in files.services(session.lab).items()}
    return files_of(BASH) | files_of(PYTHON) | configs
