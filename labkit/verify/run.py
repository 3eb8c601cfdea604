"""Run checks side by side in one namespace, show their rows, keep them, and fail when a row failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from labkit import threads
from labkit.errors import LabError, MissingError, UnreachableError, VerificationError
from labkit.k8s import kubectl
from labkit.session import Session
from labkit.verify import rows as proof
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

Check = Callable[[Cluster], list[Row]]


def verify(session: Session, name: str, *checks: Check, makes_things: bool = True) -> list[Row]:
    """Run `checks` as the journal's step `name`; returns the rows, all ok or not proven here.

    `makes_things` False: they only read, and need no namespace. Raises MissingError when there is no cluster to look
    at, VerificationError when a row failed. What was made is removed in either case.
    """
    with session.journal.step(name) as step:
        step.changed = False
        found = _look(Cluster(session), checks, makes_things)
        step.facts["rows"] = {row.name: row.result for row in found}
        _keep(session, found)
        session.output.print(proof.table(found, f"{name}: {session.lab.name}"))
        _refuse_failed(session, found)
    return found


def _look(cluster: Cluster, checks: Sequence[Check], makes_things: bool) -> list[Row]:
    _needs_a_cluster(cluster)
    found = [_api(cluster)]
    if found[0].result == "failed":
        return found
    if not makes_things:
        return [*found, *_side_by_side(cluster, checks)]
    with cluster.own_namespace(found):
        found += _side_by_side(cluster, checks)
    return found


def _api(cluster: Cluster) -> Row:
    begin = cluster.clock.now()
    try:
        said = cluster.kubectl("get", "--raw=/readyz").strip()
    except LabError as error:
        return Row("API server is ready", "failed", error.problem.splitlines()[-1], detail=error.problem)
    return Row("API server is ready", passed_if(said == "ok"), f"/readyz says {said}", cluster.clock.now() - begin)


def _side_by_side(cluster: Cluster, checks: Sequence[Check]) -> list[Row]:
    work = [threads.start(partial(_guarded, cluster, check)) for check in checks]
    try:
        return [row for one in work for row in threads.result(one)]
    except BaseException:
        cluster.stopped.set()  # Ctrl-C: what the checks look at is removed next, so they end first
        threads.wait(work)
        raise


def _guarded(cluster: Cluster, check: Check) -> list[Row]:
    """A check that cannot go on is a failed row, so that the others are still shown."""
    begin = cluster.clock.now()
    try:
        return check(cluster)
    except LabError as error:
        name = check.__module__.rpartition(".")[2]
        first, _, rest = error.problem.partition("\n")
        return [Row(f"{name} could be looked at", "failed", first, cluster.clock.now() - begin, rest)]


def _needs_a_cluster(cluster: Cluster) -> None:
    """Say in one sentence that there is nothing to verify yet, and who makes it."""
    hint = "`inv k8s.all` makes the cluster; `inv lab.status` shows what there is"
    try:
        there = kubectl.has_cluster(cluster.session)
    except UnreachableError as error:
        raise UnreachableError(error.problem, hint) from None
    if not there:
        name = cluster.session.lab.control_plane.name
        raise MissingError(f"{name} is no control plane yet: there is no cluster to verify", hint)


def _keep(session: Session, found: Sequence[Row]) -> None:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    folder = session.state.path
    session.state.write(folder / "verification.json", proof.as_json(found, session.lab.name, time))
    session.state.write(folder / "verification.xml", proof.as_junit(found, session.lab.name, time))


def _refuse_failed(session: Session, found: Sequence[Row]) -> None:
    failed = [row for row in found if row.result == "failed"]
    for row in failed:
        if row.detail:
            session.console.print(f"--- {row.name}\n{row.detail}", markup=False)
    if failed:
        names = ", ".join(row.name for row in failed)
        raise VerificationError(
            f"{len(failed)} of {len(found)} checks failed in {session.lab.name}: {names}",
            "the rows above say what was seen; `inv lab.up` repairs what has gone missing",
        )


def show_last(session: Session) -> None:
    """Print the rows of the last verification made from this controller."""
    file = session.state.path / "verification.json"
    if not file.exists():
        raise MissingError(f"{session.lab.name} was never verified from this controller", "`inv verify.all` does it")
    time, found = proof.from_json(file.read_text(encoding="utf-8"))
    session.output.print(proof.table(found, f"{session.lab.name}, verified {time}"))
