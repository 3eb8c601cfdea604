"""What Windows' own work takes on an ordinary PC, in seconds: assumed, nobody of this project measured it.

Nobody waits for it: where `prices.jsonl` lies beside a PC's state, each piece of work is written there with its price,
by the model and so for both answers. Benchmarks and tests add it up.
"""

from __future__ import annotations

import json

from rehearsal.hosts.state import HostState

ASSUMED_S = {
    "list a firewall rule": 0.045,  # 1,091 rules took 48 s on a Windows 11: NathanNeurotic/PS2-Servers#83
}
BOOK = "prices.jsonl"


def charge(pc: HostState, work: str, times: int = 1) -> None:
    """Write into the PC's book, if it has one, what this work takes so many times."""
    book = pc.folder / BOOK
    if book.exists():
        with book.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"work": work, "times": times, "s": round(times * ASSUMED_S[work], 3)}) + "\n")


def spent_s(pc: HostState) -> float:
    """The seconds in the PC's book, which begins anew; a PC that had none has one now."""
    book = pc.folder / BOOK
    lines = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    book.write_text("", encoding="utf-8")
    return sum(json.loads(line)["s"] for line in lines)
