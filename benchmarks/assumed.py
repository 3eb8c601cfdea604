"""What the hosts' part takes on real PCs at the prices of `rehearsal.hosts.pc.prices`: a sum, nothing is timed.

`python -m benchmarks.assumed`: two PCs, the six machines of the rehearsal's lab, and sixty addresses for Services.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from benchmarks.hosts import PASSWORD, described, running, session
from labkit.description.models import AddressRange
from labkit.hyperv import create
from rehearsal.hosts.pc import prices

POOL = AddressRange(IPv4Address("198.51.100.20"), IPv4Address("198.51.100.79"))
LIMITS_S = {"lab.check": 20.0, "hyperv.create": 60.0, "lab.status": 5.0}


def sums() -> dict[str, float]:
    """Seconds that the slower PC would take for each, by the name of the task."""
    os.environ["LAB_PASSWORD"] = PASSWORD
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def spent(act: Callable[[], object]) -> float:
            act()
            return max(prices.spent_s(pc) for pc in folder.glob("hosts/*"))

        lab = described(folder, 6, 2)
        with running(replace(lab, address_pool=POOL), folder) as lab:
            for host in lab.hosts:
                prices.spent_s(folder / "hosts" / host.name)
            return {
                "lab.check": spent(lambda: session(lab, folder).hosts.survey(probe=True)),
                "hyperv.create": spent(lambda: create.create(session(lab, folder))),
                "lab.status": spent(lambda: session(lab, folder).hosts.survey()),
            }


def main() -> None:
    """Print what each takes, and what it should stay under."""
    for task, seconds in sums().items():
        print(f"{task:14} {seconds:5.1f} s of {LIMITS_S[task]:g}")


if __name__ == "__main__":
    main()
