"""pxe.status: is the network boot as described, and who is armed; nothing is changed."""

from __future__ import annotations

from labkit.pxe import publish, server, setup
from labkit.session import Session


def lines(session: Session) -> list[str]:
    """A line each for the services, the published files, and every machine."""
    records = server.read_records(session.machines.bootstrap())
    shown = [
        f"services: {setup.missing(session) or 'as described'}",
        f"files: {publish.missing(session) or 'as described'}",
    ]
    for machine in session.lab.installed_by_network:
        if machine.name in records.armed:
            state = f"armed for disk {records.armed[machine.name].disk}"
        elif machine.name in records.installed:
            state = f"installed on disk {records.installed[machine.name].disk}"
        else:
            state = "neither armed nor installed"
        shown.append(f"{machine.name}: {state}")
    return shown
