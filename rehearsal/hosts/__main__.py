"""Run one stand-in PC by hand: `python -m rehearsal.hosts --port 5985 --root DIR --host pc1`; Ctrl-C ends it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from rehearsal.hosts.cmdlets import find_pwsh
from rehearsal.hosts.endpoint import PORT, serve


def main() -> int:
    """Serve until interrupted; the password comes from LAB_PASSWORD."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.hosts", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT, help="0: any free port")
    parser.add_argument("--root", type=Path, required=True, help="folder for the PC's state and drive")
    parser.add_argument("--host", default="pc1")
    parser.add_argument("--user", default="lab")
    parser.add_argument("--pwsh", type=Path, default=find_pwsh(), help="default: LAB_PWSH, else pwsh on the PATH")
    parser.add_argument("--certificate", type=Path, help="PEM file with certificate and key: HTTPS instead of HTTP")
    parser.add_argument("--no-pwsh", dest="pwsh", action="store_const", const=None, help="answer by JSON contract")
    given = parser.parse_args()
    if "LAB_PASSWORD" not in os.environ:
        parser.error("LAB_PASSWORD is not set: it is the account's password")
    secret = os.environ["LAB_PASSWORD"]
    endpoint = serve(
        given.host, given.address, given.port, given.root, given.user, secret, given.pwsh, given.certificate
    )
    endpoint.start()
    how = f"scripts run by {given.pwsh}" if given.pwsh else "scripts answered by their JSON contract (no pwsh)"
    print(f"{given.host}: WinRM on {given.address}:{endpoint.port}, user {given.user}, {how}", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    endpoint.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
