"""`python -m rehearsal up [-f LAB]|down|status|fingerprint HOST|exec -- COMMAND...`: the room of a rehearsal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rehearsal.room import controller
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import LAB, Layout


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m rehearsal", description="A lab without Windows, on one Linux machine."
    )
    actions = top.add_subparsers(dest="action", required=True, metavar="up|down|status|fingerprint|exec")
    up = actions.add_parser("up", help="make the room: packages, base image, network, hosts")
    down = actions.add_parser("down", help="remove everything that `up` made")
    down.add_argument("--after-stdin", action="store_true", help="wait for the end of standard input first")
    actions.add_parser("status", help="tell whether the room is up, and what its VMs are")
    shown = actions.add_parser("fingerprint", help="print the fingerprint of a PC's certificate, as that PC prints it")
    shown.add_argument("host")
    serve = actions.add_parser("serve")  # what `up` starts: not for typing
    for action in (up, serve):
        action.add_argument("-f", dest="file", type=Path, default=LAB, help="the lab whose PCs the room plays")
    inside = actions.add_parser(
        "exec", help="run a command as the controller: exec -- inv -f labs/rehearsal.yaml lab.up"
    )
    inside.add_argument("command", nargs=argparse.REMAINDER)
    return top


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit code (1: refused or failed, status: not up)."""
    options = parser().parse_args(words)
    try:
        if options.action == "exec":
            command = options.command[1:] if options.command[:1] == ["--"] else options.command
            controller.enter(command or ["bash"])
        return _manage(options)
    except RoomError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _manage(options: argparse.Namespace) -> int:
    # A second's imports, which `exec` has no use for: tests type it hundreds of times.
    from rehearsal.room import daemon, room
    from rehearsal.room.plan import Plan

    layout = Layout.default()
    if options.action == "serve":
        return daemon.main(layout, Plan.of(options.file))
    if options.action == "status":
        return 0 if room.status(layout) else 1
    if options.action == "fingerprint":
        print(room.fingerprint(layout, options.host))
    if options.action == "up":
        room.up(layout, Plan.of(options.file))
    if options.action == "down":
        if options.after_stdin:  # a pipe from whoever uses the room: it ends with them, also when they are killed
            sys.stdin.read()
        room.down(layout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
