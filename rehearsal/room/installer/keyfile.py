"""NetworkManager keyfiles, as Anaconda leaves them in an installed system (nm-settings-keyfile(5))."""

from __future__ import annotations

import uuid

from rehearsal.room.installer.kickstart import Link

FOLDER = "etc/NetworkManager/system-connections"


def text(link: Link, name: str, mac: str) -> str:
    """The keyfile of a `network` line for the adapter with that MAC, whose kernel name is `name`."""
    sections = {
        "connection": {
            "id": name,
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"lab:{mac}")),
            "type": "ethernet",
            "autoconnect": "true" if link.on_boot else "false",
        },
        "ethernet": {"mac-address": mac.upper(), **({"mtu": str(link.mtu)} if link.mtu else {})},
        "ipv4": _ipv4(link),
        "ipv6": {"method": "auto" if link.has_ipv6 else "disabled"},
    }
    blocks = (
        "\n".join([f"[{title}]", *(f"{key}={value}" for key, value in rows.items())])
        for title, rows in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def _ipv4(link: Link) -> dict[str, str]:
    rows = {"method": "manual", "address1": str(link.address)} if link.address else {"method": "auto"}
    if link.address and link.gateway and link.is_default_route:
        rows["address1"] += f",{link.gateway}"
    if link.nameservers:
        rows["dns"] = ";".join(link.nameservers) + ";"
    if not link.is_default_route:
        rows["never-default"] = "true"
    return rows
