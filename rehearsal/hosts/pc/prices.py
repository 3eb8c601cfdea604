"""What Windows' own work takes on an ordinary PC, in seconds: assumed, nobody of this project measured it.

Nobody waits for it: where `prices.jsonl` lies beside a PC's state, each piece of work is written there with its price,
for both answers. Benchmarks and tests add it up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

ASSUMED_S = {
    "start PowerShell": 0.6,
    "load Hyper-V": 1.5,
    "load NetAdapter": 0.8,
    "load another module": 0.4,
    "ask Hyper-V for a part of a VM": 0.03,
    "change something": 0.3,
    "wait a second for a ping": 1.0,
    "list a firewall rule": 0.045,  # 1,091 rules took 48 s on a Windows 11: NathanNeurotic/PS2-Servers#83
}
BOOK = "prices.jsonl"
MODULES = {
    "VM": "Hyper-V", "VHD": "Hyper-V", "NetAdapter": "NetAdapter", "NetFirewall": "NetSecurity", "NetIP": "NetTCPIP",
    "NetNeighbor": "NetTCPIP", "NetRoute": "NetTCPIP", "NetConnectionProfile": "NetConnection", "NetNat": "NetNat",
    "DnsClient": "DnsClient", "ScheduledTask": "ScheduledTasks", "Volume": "Storage", "CimInstance": "CimCmdlets",
}  # fmt: skip
"""Beginnings of cmdlets' nouns, and the module that the first such cmdlet of a command loads."""
PART = re.compile(r"Get-VM\w+ -VM(NetworkAdapter)?\b")


def charge(pc: Path, work: str, times: float = 1) -> None:
    """Write into the book of the PC in that folder, if it has one, what this work takes so many times."""
    book = pc / BOOK
    if book.exists():
        with book.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"work": work, "times": times, "s": round(times * ASSUMED_S[work], 3)}) + "\n")


def charge_command(pc: Path, scripts: Iterable[str]) -> None:
    """Charge what a command of these scripts' texts takes before and besides its changes.

    Each module is loaded once a command; what stands in a text is taken to be asked of each VM, or of each adapter.
    """
    if not (pc / BOOK).exists():
        return
    code = re.sub(r"(?m)#.*$", "", re.sub(r"(?s)<#.*?#>", "", "\n".join(scripts)))
    nouns = re.findall(r"\b[A-Z][a-z]+-((?!Lab)[A-Z]\w+)", code)
    charge(pc, "start PowerShell")
    for module in sorted({name for noun in nouns for start, name in MODULES.items() if noun.startswith(start)}):
        named = f"load {module}"
        charge(pc, named if named in ASSUMED_S else "load another module")
    vms = json.loads((pc / "state.json").read_text(encoding="utf-8"))["vms"].values()
    each = {"": len(vms), "NetworkAdapter": sum(len(vm["adapters"]) for vm in vms)}
    charge(pc, "ask Hyper-V for a part of a VM", sum(each[of] for of in PART.findall(code)))


def spent_s(pc: Path) -> float:
    """The seconds in a PC's book, which begins anew; a PC that had none has one now."""
    book = pc / BOOK
    lines = book.read_text(encoding="utf-8").splitlines() if book.exists() else []
    book.write_text("", encoding="utf-8")
    return float(sum(json.loads(line)["s"] for line in lines))
