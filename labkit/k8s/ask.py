"""One of the small scripts in ansible/unit/, run on several machines at once: quick, and but for `remove-*` a look."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from labkit import threads
from labkit.description.lab import Machine
from labkit.project import ANSIBLE
from labkit.session import Session

TIMEOUT_S = 30.0


def ask(
    s: Session, machines: Iterable[Machine], script: str, arguments: Callable[[Machine], Iterable[str]] = lambda _: ()
) -> dict[str, str]:
    """What `ansible/unit/<script>` says on each machine as root, by machine name; nothing has to be there beforehand.

    UnreachableError names the first machine that does not answer.
    """
    text = (ANSIBLE / "unit" / script).read_bytes().replace(b"\r\n", b"\n")

    def one(machine: Machine) -> str:
        command = shlex.join(["bash", "-s", "--", *arguments(machine)])
        return s.machines.to(machine).sudo(command, input=text, timeout_s=TIMEOUT_S).stdout.strip()

    asked = tuple(machines)
    return dict(zip((machine.name for machine in asked), threads.each(one, asked), strict=True))
