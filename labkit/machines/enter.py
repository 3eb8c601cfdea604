"""os.ssh: the system's own ssh with the lab's configuration, in the foreground."""

from __future__ import annotations

import shutil
import subprocess

from invoke.exceptions import Exit

from labkit.description import choice
from labkit.errors import MissingError
from labkit.session import Session


def enter(session: Session, name: str, command: str = "") -> None:
    """Open a shell on machine `name` ('': the bootstrap server), or run `command` there, with ssh's own exit code.

    Started by argument list, without a shell in between, so that it works on Windows too. Raises MissingError when ssh
    or the lab's keys are not there.
    """
    (machine,) = choice.machines(session.lab, name or session.lab.bootstrap.name)
    program = shutil.which("ssh")
    if program is None:
        raise MissingError("there is no ssh on this computer's PATH", "install OpenSSH's client, which Windows has too")
    if not session.state.ssh_config.exists():
        raise MissingError("this lab has no SSH keys yet", "run `inv os.bootstrap`, which makes them")
    # From its folder: ssh hands -F on to the ssh of the jump without quotes, so a blank in the path would part it.
    config = session.state.ssh_config
    words = [program, "-F", config.name, machine.name, *([command] if command else [])]
    code = subprocess.run(words, check=False, cwd=config.parent).returncode
    if code:
        raise Exit(code=code)
