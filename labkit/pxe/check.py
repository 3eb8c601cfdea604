"""pxe.check: fetch what a machine fetches, as it does, and look at the services; nothing is changed."""

from __future__ import annotations

from labkit.errors import MissingError, VerificationError
from labkit.pxe import server
from labkit.session import Session

CHECK_TIMEOUT_S = 300.0


def check(session: Session) -> list[str]:
    """One line for each check that passed. Raises VerificationError with those that failed; both sorts are in it."""
    remote = session.machines.bootstrap()
    result = remote.sudo(
        f"test -x {server.SCRIPTS}/pxe-check.sh || exit 127; {server.SCRIPTS}/pxe-check.sh",
        check=False,
        timeout_s=CHECK_TIMEOUT_S,
    )
    if result.code == 127:
        raise MissingError(f"{remote.name} does not serve the network boot yet", "run `inv pxe.setup`")
    passed = [line for line in result.stdout.splitlines() if line.startswith("ok: ")]
    failed = [line for line in result.stdout.splitlines() if line.startswith("failed: ")]
    if result.code != 0:
        said = failed or [result.stderr.strip() or f"pxe-check.sh ended with code {result.code}"]
        problem = f"{len(failed)} of {len(passed) + len(failed)} checks of the network boot failed on {remote.name}"
        raise VerificationError("\n  ".join([problem, *said]), "run `inv pxe.setup pxe.publish`, then this again")
    return passed
