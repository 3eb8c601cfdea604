"""The JSON answers: what each of the project's scripts would say and do, for a machine without PowerShell."""

from __future__ import annotations

from rehearsal.hosts.commands import Answerer
from rehearsal.hosts.state import HostState


def answerer(state: HostState) -> Answerer:
    """Return what answers a script's call on that PC."""

    def answer(script: str | None, stdin: bytes) -> tuple[bytes, int]:
        return b'{"error": {"message": "not yet"}}\n', 1

    return answer
