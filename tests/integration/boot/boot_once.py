"""Boots one machine through the lab's rendered PXE tree under Secure Boot; run by the test in namespaces of its own.

Usage: boot_once.py FOLDER MACHINE. Writes FOLDER/result.json.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT))

from labkit.description.load import load_lab  # noqa: E402
from tests.integration.boot.site import Site  # noqa: E402


def main(folder: Path, name: str) -> None:
    site = Site(folder, load_lab(CHECKOUT / "labs" / "rehearsal.yaml"))
    site.lay_out()
    site.serve()
    seen = site.power_on({name: site.vm(site.lab.machine(name))})[name]
    rendered = base64.b64encode(site.read(f"srv/lab/ks/{name}.cfg")).decode()
    (folder / "result.json").write_text(json.dumps({**seen, **site.logs(), "rendered": rendered}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
