"""A shell on one machine: run, copy, follow. How the connection comes about stands in `labkit.transport.ssh`."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.transport.ssh import Link

COMMAND_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Result:
    """What a command wrote and the code it ended with."""

    stdout: str
    stderr: str
    code: int


class Remote:
    """A shell on one machine. Errors name the machine: UnreachableError, DeadlineError, LabError."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.name = link.name

    def run(
        self,
        command: str,
        *,
        check: bool = True,
        timeout_s: float = COMMAND_TIMEOUT_S,
        input: bytes | None = None,  # noqa: A002 - the name subprocess.run gives it
    ) -> Result:
        """Run `command` in the user's shell with `input` (or nothing) on its standard input.

        With `check`, a code other than 0 raises LabError with the end of what the command said. A command that lasts
        longer than `timeout_s` seconds raises DeadlineError; what it started may go on over there.
        """
        stdout, stderr, code = self.link.execute(command, input, timeout_s)
        result = Result(stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"), code)
        if check and code != 0:
            said = "\n".join((result.stderr.strip() or result.stdout.strip()).splitlines()[-15:])
            raise LabError(f"{self.name}: `{short(command)}` ended with code {code}: {said or 'it said nothing'}")
        return result

    def sudo(
        self,
        command: str,
        *,
        check: bool = True,
        timeout_s: float = COMMAND_TIMEOUT_S,
        input: bytes | None = None,  # noqa: A002 - as above
    ) -> Result:
        """As `run`, the whole line (pipes, redirections) as root."""
        return self.run(_as_root(command), check=check, timeout_s=timeout_s, input=input)

    def put(self, content: bytes | str | Path, path: str, mode: int = 0o644, sudo: bool = True) -> None:
        """Write a file in one step: the old one stays until the new one is complete. Makes missing folders."""
        target, folder = shlex.quote(path), shlex.quote(str(PurePosixPath(path).parent))
        command = (
            f"set -e; umask 077; mkdir -p -m 755 {folder}; cat >{target}.new;"
            f" chmod {mode:04o} {target}.new; mv -f {target}.new {target}"
        )
        (self.sudo if sudo else self.run)(command, input=_bytes(content))

    def get(self, path: str, sudo: bool = True) -> bytes:
        """A file's content; LabError when it cannot be read."""
        command = f"cat -- {shlex.quote(path)}"
        stdout, stderr, code = self.link.execute(_as_root(command) if sudo else command, None, COMMAND_TIMEOUT_S)
        if code != 0:
            raise LabError(f"{self.name}: {path} cannot be read: {stderr.decode('utf-8', 'replace').strip()}")
        return stdout

    def sync(self, folder: Path | None, path: str, extra: Mapping[str, str | bytes] | None = None) -> None:
        """Make the folder `path` over there hold exactly `folder` plus `extra` (relative name -> content), as root.

        One stream; the old folder stays until the new one is complete.
        """
        target = shlex.quote(path)
        command = (
            f"set -e; rm -rf {target}.new; mkdir -p -m 755 {target}.new; tar -xzf - -C {target}.new;"
            f" rm -rf {target}; mv {target}.new {target}"
        )
        self.sudo(command, input=_archive(folder, extra or {}))

    def follow(self, command: str, *, tick_s: float = 1.0) -> Generator[str | None, None, None]:
        """Run `command` as root and yield its lines (standard error among them) as they come.

        Yields None whenever `tick_s` seconds pass without a line, so that the caller can look at its deadlines. Ends
        with the command; a caller that stops earlier closes it. UnreachableError when the connection breaks.
        """
        rest = b""
        for chunk in self.link.stream(_as_root(command), tick_s):
            if chunk is None:
                yield None
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)

    def close(self) -> None:
        self.link.close()


def short(command: str) -> str:
    """The first line of a command, cut for a message."""
    line = command.partition("\n")[0]
    return line if len(line) <= 100 else line[:97] + "..."


def _as_root(command: str) -> str:
    return f"sudo -n -- bash -c {shlex.quote(command)}"


def _bytes(content: bytes | str | Path) -> bytes:
    if isinstance(content, Path):
        return content.read_bytes()
    return content.encode("utf-8") if isinstance(content, str) else content


def _archive(folder: Path | None, extra: Mapping[str, str | bytes]) -> bytes:
    """A tar.gz of a folder's files; one that begins with `#!` is executable, whatever the controller's system says."""
    files = files_of(folder) if folder else {}
    files.update({name: _bytes(content) for name, content in extra.items()})
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def files_of(folder: Path) -> dict[str, bytes]:
    """What `Remote.sync` takes of a folder: every file but Python's caches, by relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
