"""What the API server keeps on disk: a snapshot and a log of the changes since, in etcd's data folder.

A record is written before its change is answered. A process that is killed loses nothing that it acknowledged: the
snapshot is replaced atomically, and a half-written last record of the log is dropped when it is read again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SNAPSHOT, LOG = "snapshot.json", "changes.jsonl"
COMPACT_AFTER = 5000


class Disk:
    """The two files of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._written = 0
        self._log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def is_due(self) -> bool:
        """Whether the log has grown enough for a new snapshot."""
        return self._written >= COMPACT_AFTER

    def load(self) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
        """The snapshot, and the records written since it."""
        path = self._folder / SNAPSHOT
        snapshot = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return snapshot, self._records()

    def _records(self) -> Iterator[dict[str, Any]]:
        with (self._folder / LOG).open("rb") as log:
            for line in log:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def append(self, record: dict[str, Any]) -> None:
        """Write one change; it is with the kernel when this returns."""
        os.write(self._log, json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._written += 1

    def compact(self, snapshot: dict[str, Any]) -> None:
        """Replace the snapshot and start an empty log."""
        temporary = self._folder / (SNAPSHOT + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(snapshot, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / SNAPSHOT)
        os.ftruncate(self._log, 0)
        self._written = 0

    def close(self) -> None:
        os.close(self._log)
