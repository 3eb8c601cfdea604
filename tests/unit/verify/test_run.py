"""A verification shows every row, keeps it, removes what it made, and fails when one row failed."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from labkit.errors import LabError, MissingError, UnreachableError, VerificationError
from labkit.session import Session
from labkit.verify import nginx, nodes, run, storage
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, as_junit
from tests.unit.verify.conftest import FakeMachines
from tests.unit.verify.fakes import FakeCluster

ALL = (nodes.check, nginx.check, storage.check)


def kept(session: Session) -> dict[str, str]:
    document = json.loads((session.state.path / "verification.json").read_text())
    return {row["name"]: row["result"] for row in document["rows"]}


def test_a_good_lab_passes_and_is_kept_and_what_was_made_is_removed(session: Session, cluster: FakeCluster) -> None:
    rows = run.verify(session, "verify.all", *ALL)
    assert len(rows) == 18
    assert set(kept(session).values()) == {"ok"}
    end = session.journal.rows()[-1]
    assert (end["result"], end["changed"], end["rows"]["node w1"]) == ("ok", False, "ok")
    suite = ET.parse(session.state.path / "verification.xml").getroot()
    assert (suite.get("failures"), len(suite)) == ("0", 18)
    assert cluster.made[0] == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster.namespace}}
    assert cluster.said[-1].startswith(f"delete namespace {cluster.namespace} --wait=true")


def test_a_failed_row_fails_the_verification_after_all_rows_are_shown(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.facts.spread = ("w1", "w2", "w2")
    with pytest.raises(VerificationError, match="1 of 18 checks failed in lab-7e57: nginx is spread") as failure:
        run.verify(session, "verify.all", *ALL)
    assert failure.value.code == 8
    assert "volume is read on w3" in capsys.readouterr().out
    assert kept(session)["nginx is spread"] == "failed"
    assert session.journal.rows()[-1]["result"] == "failed"


def test_rows_that_cannot_be_proven_here_do_not_fail(
    session: Session, cluster: FakeCluster, machines: FakeMachines
) -> None:
    cluster.facts.events = [{"reason": "ProvisioningFailed", "message": "mount: unknown filesystem type 'nfs4'"}]
    cluster.facts.claim_phase = "Pending"
    cluster.facts.pods = {"write": "Pending"}
    machines.machines["w1"].is_container = True
    run.verify(session, "verify.all", *ALL)
    assert list(kept(session).values()).count("not proven here") == 3


def test_no_pod_is_made_before_its_account_is_there(session: Session, cluster: FakeCluster) -> None:
    cluster.facts.account_after = 3
    run.verify(session, "verify.all", *ALL)
    looks = [number for number, line in enumerate(cluster.said) if "serviceaccounts" in line]
    assert len(looks) == 4
    namespace, pods, *_ = (number for number, line in enumerate(cluster.said) if line.startswith("apply"))
    assert namespace < looks[0]
    assert looks[-1] < pods


@pytest.mark.parametrize("error", [LabError("apply failed"), KeyboardInterrupt(), KeyError("a mistake of ours")])
def test_what_was_made_is_removed_after_a_failure(session: Session, cluster: FakeCluster, error: BaseException) -> None:
    def broken(_cluster: Cluster) -> list[Row]:
        raise error

    with pytest.raises((type(error), VerificationError)):
        run.verify(session, "verify.nginx", broken)
    assert cluster.said[-1].startswith(f"delete namespace {cluster.namespace}")


def test_a_namespace_that_does_not_go_is_a_failed_row(session: Session, cluster: FakeCluster) -> None:
    cluster.facts.broken["delete namespace"] = "timed out"
    with pytest.raises(VerificationError, match="what verification made is gone"):
        run.verify(session, "verify.all", *ALL)


def removals(machines: FakeMachines) -> list[str]:
    """What was asked of the storage machine: `bash -s -- NAMESPACE` is the script that removes."""
    return [command for command in machines.machines["storage1"].said if command.startswith("bash -s --")]


def test_the_folder_of_what_was_stored_goes_with_its_namespace(
    session: Session, cluster: FakeCluster, machines: FakeMachines
) -> None:
    run.verify(session, "verify.all", *ALL)
    assert removals(machines) == [f"bash -s -- {cluster.namespace}"]


def test_a_folder_stays_whose_namespace_does_and_none_is_looked_for_where_nothing_was_stored(
    session: Session, cluster: FakeCluster, machines: FakeMachines
) -> None:
    run.verify(session, "verify.nginx", nginx.check)
    cluster.facts.broken["delete namespace"] = "timed out"
    with pytest.raises(VerificationError, match="what verification made is gone"):
        run.verify(session, "verify.all", *ALL)
    assert removals(machines) == []


def test_a_folder_that_does_not_go_is_a_failed_row(
    session: Session, cluster: FakeCluster, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.machines["storage1"].broken = "storage1 does not answer"
    with pytest.raises(VerificationError, match="1 of 18 checks failed in lab-7e57: what verification made is gone"):
        run.verify(session, "verify.all", *ALL)
    shown = capsys.readouterr()
    assert f"/srv/nfs/{cluster.namespace} is still on storage1" in shown.out
    assert "storage1 does not answer" in shown.err


def test_a_check_that_cannot_go_on_leaves_the_others_their_rows(session: Session, cluster: FakeCluster) -> None:
    cluster.facts.broken["get nodes"] = "the server is busy"
    with pytest.raises(VerificationError, match="nodes could be looked at"):
        run.verify(session, "verify.all", *ALL)
    assert kept(session)["nginx is spread"] == "ok"


def test_an_api_server_that_does_not_answer_is_the_one_failed_row(session: Session, cluster: FakeCluster) -> None:
    cluster.facts.broken["get --raw=/readyz"] = "cp1: kubectl ended with code 1:\nconnection refused"
    with pytest.raises(VerificationError):
        run.verify(session, "verify.all", *ALL)
    assert kept(session) == {"API server is ready": "failed"}
    assert not [line for line in cluster.said if line.startswith("apply")]


def test_an_api_server_that_is_not_ready_fails(session: Session, cluster: FakeCluster) -> None:
    cluster.facts.api = "[-]etcd failed"
    with pytest.raises(VerificationError):
        run.verify(session, "verify.nodes", nodes.check, makes_things=False)


def test_looking_at_nodes_makes_nothing(session: Session, cluster: FakeCluster) -> None:
    run.verify(session, "verify.nodes", nodes.check, makes_things=False)
    assert all(line.startswith("get ") for line in cluster.said)


def test_without_a_cluster_it_is_said_who_makes_one(
    session: Session, cluster: FakeCluster, machines: FakeMachines
) -> None:
    machines.machines["cp1"].has_cluster = False
    with pytest.raises(MissingError) as refusal:
        run.verify(session, "verify.all", *ALL)
    assert "`inv k8s.all`" in str(refusal.value.hint)
    assert cluster.said == []


def test_an_unreachable_control_plane_says_so(
    session: Session, cluster: FakeCluster, machines: FakeMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_machine: object) -> None:
        raise UnreachableError("bootstrap does not answer", "raw")

    monkeypatch.setattr(machines, "to", unreachable)
    with pytest.raises(UnreachableError, match="bootstrap does not answer"):
        run.verify(session, "verify.all", *ALL)


def test_the_last_verification_can_be_shown_again(
    session: Session, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MissingError, match="never verified"):
        run.show_last(session)
    run.verify(session, "verify.all", *ALL)
    capsys.readouterr()
    run.show_last(session)
    shown = capsys.readouterr().out
    assert "nginx answers at w1" in shown
    assert "verified 20" in shown


def test_junit_counts_failures_and_what_was_not_proven() -> None:
    rows = [
        Row("a", "ok", "fine", 1.5),
        Row("b", "failed", '<no> & "yes"', 0.5, "tail\x1b[0m\nof a log"),
        Row("c", "not proven here", "no NFS in this kernel"),
    ]
    suite = ET.fromstring(as_junit(rows, "lab-7e57", "2026-11-23T10:00:00+00:00"))
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "time")} == {
        "tests": "3", "failures": "1", "skipped": "1", "time": "2.00",
    }  # fmt: skip
    failure = suite.find("testcase[@name='b']/failure")
    assert failure is not None
    assert failure.get("message") == '<no> & "yes"'
    assert suite.find("testcase[@name='c']/skipped") is not None
