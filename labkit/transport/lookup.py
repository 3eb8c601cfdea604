"""Names of computers, as this controller finds them."""

from __future__ import annotations

import socket
from contextlib import suppress


def addresses(name: str) -> tuple[str, ...]:
    """The IPv4 addresses behind a name, each once; none where nobody knows it. May take seconds."""
    with suppress(OSError):
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    return ()
