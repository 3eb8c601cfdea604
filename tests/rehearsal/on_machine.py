"""Runs a command as root on one machine of the rehearsal, from the controller, as the lab itself enters it.

Usage: on_machine.py LAB_FILE MACHINE COMMAND. The exit code is the command's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from labkit.controller.state import StateDir
from labkit.description.load import load_lab
from labkit.transport.ssh import Machines

TIMEOUT_S = 1800.0  # whoever starts this has a deadline of its own


def main(file: str, name: str, command: str) -> int:
    lab = load_lab(Path(file))
    result = Machines(lab, StateDir.of(lab)).to(lab.machine(name)).sudo(command, check=False, timeout_s=TIMEOUT_S)
    print(result.stdout, end="")
    print(result.stderr, end="", file=sys.stderr)
    return result.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
