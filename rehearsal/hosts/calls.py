"""What was asked of a PC: one line in `calls.jsonl` for each WS-Man Command, so that tests can count round trips."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.hosts.pc import prices

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "powershell"
READ_VERB = "Get-"


class Calls:
    """The journal of one PC's commands."""

    def __init__(self, folder: Path, scripts: Path = SCRIPTS) -> None:
        self.path = folder / "calls.jsonl"
        self._scripts = scripts
        self._lock = threading.Lock()

    def scripts(self, stdin: bytes) -> list[str | None]:
        """Return the names of all of them: they follow the first line and the prelude, each behind a form feed."""
        known = {_plain(path.read_bytes()): path.stem for path in self._scripts.glob("*.ps1")}
        return [known.get(_plain(text)) for text in stdin.split(b"\f")[1:]] or [None]

    def record(self, scripts: Sequence[str | None], started: float) -> None:
        """Append one finished command, by the first of its scripts; `started` is in seconds since the epoch.

        What is not known to be a read counts as a change. What the command takes on a PC is charged here.
        """
        script = scripts[0]
        names = [name for name in scripts if name]
        prices.charge_command(self.path.parent, [(self._scripts / f"{name}.ps1").read_text("ascii") for name in names])
        entry = {
            "time": started,
            "script": script,
            "mutating": not (script or "").startswith(READ_VERB),
            "seconds": round(time.time() - started, 3),
        }
        with self._lock, self.path.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry) + "\n")


def _plain(text: bytes) -> bytes:
    """Compare scripts without regard to line ends and to what surrounds them."""
    return text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").strip()
