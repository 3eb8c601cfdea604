"""pxe.setup: the network boot services on the bootstrap server, by its scripts."""

from __future__ import annotations

from labkit.project import BASH
from labkit.pxe import files, server
from labkit.remote import files_of
from labkit.session import Session

UNITS = ("dnsmasq", "nginx", "firewalld")
TARGETS = {
    "dnsmasq.conf": "/etc/dnsmasq.conf",
    "nginx.conf": "/etc/nginx/nginx.conf",
    "lab-mgmt.xml": "/etc/firewalld/zones/lab-mgmt.xml",
}


def set_up(session: Session) -> list[str]:
    """Upload scripts and settings where they differ, and run them all; return what was changed over there.

    Packages, folders, SELinux, dnsmasq, nginx, firewall, install tree and boot files. Raises what a script refuses.
    """
    remote = session.machines.bootstrap()
    uploads = _uploads(session)
    changed = server.differing(remote, uploads)
    if changed:
        configs = {f"files/{name}": text for name, text in files.services(session.lab).items()}
        remote.sync(BASH, server.SCRIPTS, configs)
        remote.put(uploads[server.ENV_FILE], server.ENV_FILE, mode=0o600)
    return changed + server.run(remote, "pxe-packages.sh", "pxe-services.sh", "pxe-tree.sh")


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
    # One by one: asked for several units, systemctl is content with a single active one.
    look = f"for unit in {' '.join(UNITS)}; do systemctl is-active --quiet $unit || echo $unit; done"
    idle = remote.sudo(look).stdout.split()
    return f"{idle[0]} does not run on {remote.name}" if idle else None


def _uploads(session: Session) -> dict[str, bytes]:
    """Every file that set_up uploads, by its path over there."""
    here = files_of(BASH) | {f"files/{name}": text.encode() for name, text in files.services(session.lab).items()}
    uploads = {f"{server.SCRIPTS}/{name}": content for name, content in here.items()}
    return uploads | {server.ENV_FILE: files.environment(session.lab).encode()}
