"""pxe.cache-status: what the bootstrap server keeps, so that a rebuild need not fetch it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.pxe import files, prefetch
from labkit.pxe.logs import PACKAGES
from labkit.session import Session

if TYPE_CHECKING:
    from rich.table import Table

MIB = 1 << 20
ASKED = {"packages": ("/packages/", "/images/"), "tree": ("/rocky/",)}
FROM_HERE = ("HIT", "REVALIDATED", "STALE", "UPDATING")  # nginx's words for what was not fetched again


@dataclass(frozen=True)
class Kept:
    """One kind of files that are kept: how many, how large together, and what was last fetched by machines."""

    what: str
    files: int
    bytes: int
    note: str = ""


def look(session: Session) -> list[Kept]:
    """What is kept, kind by kind; one round trip. The DVD in the drive is the install tree where none is fetched."""
    zones = {zone: f"/var/cache/lab/{zone}" for zone in files.zones(session.lab)} | {"manifests": prefetch.MANIFESTS}
    counted = "; ".join(
        f"echo {name} $(find {folder} -type f 2>/dev/null | wc -l) $(du -sb {folder} 2>/dev/null | cut -f1)"
        for name, folder in zones.items()
    )
    told = f"cat {PACKAGES} 2>/dev/null; cat {prefetch.REPORT} 2>/dev/null"
    text = session.machines.bootstrap().sudo(f"{counted}; {told}", check=False).stdout
    return parse(text)


def parse(text: str) -> list[Kept]:
    """Lines `KIND FILES BYTES`, nginx's log of packages, and what was fetched ahead."""
    lines = text.splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    rows = [row for row in told if "uri" in row and row.get("client") != prefetch.CLIENT]
    found = []
    for line in lines:
        if not line.startswith("{"):
            kind, count, *size = line.split()
            found.append(Kept(kind, int(count), int(size[0]) if size else 0, _note(kind, rows)))
    ahead = [report for report in told if "wanted" in report]
    return found + [Kept("ahead", len(one["kept"]), one["bytes"], prefetch.describe(one)) for one in ahead]


def _note(kind: str, rows: list[dict[str, str]]) -> str:
    """How often machines were served without asking the source."""
    asked = [row for row in rows if row["uri"].startswith(ASKED.get(kind, ())) and row.get("cache")]
    if not asked:
        return ""
    served = sum(row["cache"] in FROM_HERE for row in asked)
    return f"{served} of {len(asked)} requests were served from here"


def table(kept: list[Kept]) -> Table:
    """The rows for a terminal."""
    from rich.table import Table

    shown = Table(title="kept on the bootstrap server", title_justify="left")
    for heading in ("what", "files", "MB", ""):
        shown.add_column(heading, justify="right" if heading in ("files", "MB") else "left")
    for one in kept:
        shown.add_row(one.what, str(one.files), f"{one.bytes / MIB:.1f}", one.note)
    return shown
