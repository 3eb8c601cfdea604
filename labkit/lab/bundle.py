"""lab.bundle: one file for a bug report. What is in it stands in `labkit.lab.evidence`; how it is made, here.

It is for a lab that is broken: a part that cannot be had is a line of the contents that says why, and no reason to end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from labkit.controller import log, redaction
from labkit.controller.state import restrict
from labkit.errors import LabError, RefusedError
from labkit.lab.evidence import PARTS, TEXT_BYTES, Absent, Content, Files, Part

if TYPE_CHECKING:
    from labkit.session import Session

CONTENTS = "contents.txt"
WARNING = (
    "Taken out: passwords, keys, tokens, and the names of users. Left in: addresses, MACs, the names of PCs, VMs and"
    " machines, and what the screens show."
)


def default_file(session: Session) -> Path:
    """Where a bundle is written unless the user says so: in the folder that `inv` was typed in."""
    return Path.cwd() / f"{session.lab.name}.{datetime.now(UTC):%Y%m%d-%H%M%S}.bundle.zip"


def write(session: Session, file: Path) -> str:
    """Gather every part that can be had into `file`, for its owner alone, and return its page of contents.

    Raises RefusedError when there is such a file already.
    """
    if file.exists():
        raise RefusedError(f"{file} is there already; nothing was written", "give another --file, or remove that one")
    hide = _hider(session)
    rows = [(name, _clean(content, hide)) for name, content in gather(session)]
    page = contents(session, rows)
    with file.open("xb") as raw:
        restrict(file)  # before anything is in it
        with ZipFile(raw, "w", ZIP_DEFLATED) as archive:
            for name, content in [(CONTENTS, page.encode("utf-8")), *rows]:
                if not isinstance(content, Absent):
                    archive.writestr(name, content)
    return page


def gather(session: Session) -> Files:
    """The files of all parts, one part after the other; an Absent for what cannot be had."""
    doors: dict[Callable[[Session], None], str] = {}
    for part in PARTS:
        session.console.print(f"    {part.name} {part.what}", markup=False)
        if part.needs and part.needs not in doors:
            doors[part.needs] = _tried(part.needs, session)
        why = doors[part.needs] if part.needs else ""
        if why:
            yield part.name, Absent(why)
        else:
            yield from _read(part, session)


def _tried(needs: Callable[[Session], None], session: Session) -> str:
    """Why that is not there; '' when it is."""
    try:
        needs(session)
    except Exception as error:  # noqa: BLE001 - as below
        return _why(error)
    return ""


def _read(part: Part, session: Session) -> Files:
    """What a part yields, and after it an Absent for what ended it early."""
    nothing = True
    try:
        for row in part.read(session):
            nothing = False
            yield row
    except Exception as error:  # noqa: BLE001 - what is broken is what a bundle is made for, ourselves among it
        yield part.name, Absent(_why(error))
    else:
        if nothing:
            yield part.name, Absent("there is none yet")


def _why(error: Exception) -> str:
    return error.problem if isinstance(error, LabError) else f"{type(error).__name__}: {error}"


def contents(session: Session, rows: list[tuple[str, bytes | Absent]]) -> str:
    """The page that says what is inside, how large, how each run ended, and what is not there and why."""
    head = [f"{session.lab.name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", WARNING, ""]
    width = max(len(name) for name, _ in rows)
    return "\n".join([*head, *(f"{name:<{width}}  {_told(name, content)}" for name, content in rows)]) + "\n"


def _told(name: str, content: bytes | Absent) -> str:
    if isinstance(content, Absent):
        return f"not there: {' '.join(content.why.split())}"
    end = f"  {log.ending(content.decode('utf-8'))}" if name.startswith("logs/") else ""
    return f"{len(content) / 1000:>8.1f} KB{end}"


def _hider(session: Session) -> Callable[[str], str]:
    known, names = redaction.key_words(session.state), redaction.users(session.lab)
    return lambda text: redaction.without_users(redaction.without_secrets(text, known), names)


def _clean(content: Content, hide: Callable[[str], str]) -> bytes | Absent:
    """A text without secrets and users, of one that is too long the end; pictures as they are."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, Absent):
        return Absent(hide(content.why))
    return hide(content).encode("utf-8", "backslashreplace")[-TEXT_BYTES:]
