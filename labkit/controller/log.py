"""The log of a run, `.lab/<id>/logs/<UTC time>-<task>.log`: all that it printed, each line with its time, and its end.

Copied is what is printed on the run's consoles, without colours and without what a terminal draws over again (spinners,
live tables); then a failure's traceback, and the exit code. No secret of the lab is in it.
"""

from __future__ import annotations

import os
import platform
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from typing import IO, TYPE_CHECKING, Any

from labkit.controller.redaction import without_secrets
from labkit.controller.state import StateDir, restrict
from labkit.errors import LabError

if TYPE_CHECKING:
    from rich.console import Console

KEPT_OF_EACH = 20  # of each task by itself: `lab.status` in a loop must not push out the log of the rebuild it watches
WHOLE_BYTES = 20_000_000  # of all together; a rebuild's log has some 20 KB, so only a run gone wild meets it
ENDED = "exit code "
WIDTH = 200  # of a table; other lines are not wrapped


class Log:
    """One run's log. `file` is None until it is kept, and when it cannot be."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self.file: Path | None = None

    @contextmanager
    def kept(self, task: str, command: str, *consoles: Console) -> Iterator[None]:
        """Keep what is printed on `consoles` inside, and what ends it; `task` gives the file its name.

        Where no file can be made or written, the run goes on without: what it does matters more.
        """
        opened = self._open(task)
        if isinstance(opened, Exception):
            consoles[0].print(f"no log of this run is kept: {opened}", markup=False, soft_wrap=True)
            yield
            return
        paper = _Paper(opened)
        hook = _copier(paper)
        for console in consoles:
            console.push_render_hook(hook)
        system = f"{platform.system()} {platform.release()}"
        paper.write(f"{command}\nPython {platform.python_version()} on {system}\n")
        try:
            yield
            paper.write(f"{ENDED}0\n")
        except BaseException as error:
            shown = f"{error}\n" if isinstance(error, LabError) else ""  # as Invoke shows it, after all of this
            paper.write("".join(traceback.format_exception(error)) + shown + f"{ENDED}{exit_code(error)}\n")
            raise
        finally:
            for console in consoles:
                console.pop_render_hook()
            paper.close()

    def _open(self, task: str) -> IO[str] | Exception:
        folder = self._state.logs
        try:
            if not folder.exists():
                self._state.prepare()
                folder.mkdir(exist_ok=True)
                restrict(folder)  # on Windows what is made in it inherits that
            prune(folder)
            self.file = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S.%f}-{task}.log"
            handle = os.open(self.file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            return os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace", newline="\n")
        except (OSError, SubprocessError) as error:
            self.file = None
            return error


def newest(state: StateDir) -> list[Path]:
    """The logs that are kept, the newest first."""
    return sorted(state.logs.glob("*.log"), reverse=True)


def ending(text: str) -> str:
    """How the run of a log ended: its exit code and errors, in one line."""
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    if not lines or not lines[-1].startswith(ENDED):
        return "no end: still under way, or killed"
    return "; ".join([lines[-1], *(line for line in lines if line.startswith("error: "))])


def prune(folder: Path) -> None:
    """Remove the oldest logs: what is beyond KEPT_OF_EACH of a task, and beyond WHOLE_BYTES in all."""
    whole, of_each = 0, Counter[str]()
    for file in sorted(folder.glob("*.log"), reverse=True):
        task = file.stem.split("-", 2)[-1]
        of_each[task] += 1
        with suppress(OSError):  # another run removed it first; on Windows one that is written stays
            whole += file.stat().st_size
            if of_each[task] >= KEPT_OF_EACH or whole > WHOLE_BYTES:  # with the one that is made now
                file.unlink()


def exit_code(error: BaseException) -> int:
    """The code that the process ends with when nothing catches `error`."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    code = getattr(error, "code", 1)
    return code if isinstance(code, int) else 1


class _Paper:
    """A text file whose lines begin with the time, and that holds no secret."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        self._at_start = True

    def write(self, text: str) -> int:
        now = datetime.now().astimezone().strftime("%H:%M:%S ")
        lines = without_secrets(text).splitlines(keepends=True)
        with suppress(OSError):  # the disk is full: the run itself will say so, if it matters
            for line in lines:
                self._handle.write(now + line if self._at_start else line)
                self._at_start = line.endswith("\n")
            self._handle.flush()
        return len(text)

    def flush(self) -> None:
        """Each write is flushed already."""

    def close(self) -> None:
        with suppress(OSError):
            self._handle.close()


def _copier(paper: Any) -> Any:
    """A render hook of rich's, which prints on `paper` whatever a console is given to print."""
    from rich.console import Console, NewLine, RenderHook
    from rich.control import Control
    from rich.text import Text

    copy = Console(file=paper, width=WIDTH, color_system=None, highlight=False, emoji=False, force_terminal=False)

    class Copier(RenderHook):
        def process_renderables(self, renderables: list[Any]) -> list[Any]:
            for one in renderables:
                if isinstance(one, Text):
                    copy.print(one, end=one.end, soft_wrap=True)
                elif not isinstance(one, (Control, NewLine)):  # a live table draws itself again, and ends, by these
                    copy.print(one)
            return renderables

    return Copier()
