"""pxe.check: fetch what a machine fetches, as it does, and look at the services; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from labkit.errors import MissingError, VerificationError
from labkit.pxe import server
from labkit.session import Session

CHECK_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Row:
    """One check: whether it passed, how long it took, what it looked at, and why it failed ('' when it passed)."""

    passed: bool
    seconds: float
    what: str
    why: str


def check(session: Session) -> list[Row]:
    """Have the bootstrap server check itself, by one command; return a row for each check, passed or not.

    Raises MissingError when it has no such script yet, VerificationError when the script gave no rows.
    """
    remote = session.machines.bootstrap()
    result = remote.sudo(
        f"test -x {server.SCRIPTS}/pxe-check.sh || exit 127; {server.SCRIPTS}/pxe-check.sh",
        check=False,
        timeout_s=CHECK_TIMEOUT_S,
    )
    if result.code == 127:
        raise MissingError(f"{remote.name} does not serve the network boot yet", "run `inv pxe.setup`")
    rows = [_row(line) for line in result.stdout.splitlines() if line.startswith(("ok\t", "failed\t"))]
    if not rows:
        said = result.stderr.strip() or f"pxe-check.sh ended with code {result.code}"
        raise VerificationError(f"the network boot on {remote.name} cannot be checked: {said}", "run `inv pxe.setup`")
    return rows


def table(rows: list[Row]) -> Table:
    """The rows for a person."""
    shown = Table("", "check", "seconds", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        shown.add_row("ok" if row.passed else "failed", row.what, f"{row.seconds:.2f}")
    return shown


def require(session: Session, rows: list[Row]) -> None:
    """Raise VerificationError, with what failed and why, unless every row passed."""
    failed = [row for row in rows if not row.passed]
    if failed:
        where = session.lab.bootstrap.name
        problem = f"{len(failed)} of {len(rows)} checks of the network boot failed on {where}"
        lines = (f"{row.what}: {row.why or 'no reason told'}" for row in failed)
        raise VerificationError("\n  ".join([problem, *lines]), "run `inv pxe.setup pxe.publish`, then this again")


def _row(line: str) -> Row:
    result, seconds, what, why = line.split("\t", 3)
    return Row(result == "ok", float(seconds), what, why.replace("error: ", ""))
