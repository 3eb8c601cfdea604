"""pxe.publish: each machine's kickstart and GRUB files, on the bootstrap server."""

from __future__ import annotations

from labkit.controller import keys
from labkit.pxe import files, server
from labkit.session import Session


def publish(session: Session) -> list[str]:
    """Render every machine's files, upload them where they differ, install them; return what changed over there."""
    remote = session.machines.bootstrap()
    staged = {f"{server.PUBLISH}/{name}": text for name, text in _staged(session).items()}
    if server.differing(remote, staged):
        remote.sync(None, server.PUBLISH, _staged(session))
    return server.run(remote, "pxe-publish.sh")


def missing(session: Session) -> str | None:
    """The first file that a machine would fetch and that is not as described, or None."""
    remote = session.machines.bootstrap()
    live = _live(session)
    found = server.digests(remote, list(live))
    for path, texts in live.items():
        if found.get(path) not in [server.digest(text) for text in texts]:
            return f"{path} on {remote.name} is not as described"
    return None


def _staged(session: Session) -> dict[str, str]:
    """The publish folder: what pxe-publish.sh and pxe-aim.sh install from."""
    lab, public_key = session.lab, keys.public_key(session.state)
    staged = {"grub.cfg": files.grub_dispatcher(lab)}
    for machine in lab.installed_by_network:
        staged[f"{machine.name}.ks"] = files.kickstart(lab, machine, public_key)
        staged[f"{machine.name}.install"] = files.grub_install(lab, machine)
        staged[f"{machine.name}.local"] = files.grub_local(lab, machine)
    return staged


def _live(session: Session) -> dict[str, list[str]]:
    """What may stand in each file that firmware, GRUB and the installer fetch; a machine is armed or not."""
    staged = _staged(session)
    live = {f"{server.TFTP}/{name}": [staged["grub.cfg"]] for name in ("grub.cfg", "grub/grub.cfg")}
    for machine in session.lab.installed_by_network:
        name = machine.name
        live[f"{server.KICKSTARTS}/{name}.cfg"] = [staged[f"{name}.ks"]]
        either = [staged[f"{name}.install"], staged[f"{name}.local"]]
        live[f"{server.TFTP}/grub/machines/{machine.mgmt.mac_dashed}.cfg"] = either
    return live
