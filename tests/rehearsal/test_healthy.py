"""A healthy lab: everything that converges finds nothing to do. How long that takes stands at the end of the output."""

from __future__ import annotations

import sys

from tests.rehearsal.conftest import say_stages
from tests.rehearsal.rehearsing import Rehearsal


def test_lab_up_changes_nothing(room: Rehearsal) -> None:
    run = room.inv("lab.up")
    say_stages(run)
    assert run.code == 0, run
    changed = {row["step"]: row["changed"] for row in run.ends if row["changed"] is not False}
    assert changed == {}, run
    assert run.mutating == []


def test_creating_vms_a_second_time_asks_each_pc_once_and_changes_nothing(room: Rehearsal) -> None:
    run = room.inv("hyperv.create")
    say_stages(run)
    assert run.code == 0, run
    assert [(row["step"], row["changed"]) for row in run.ends] == [("hyperv.create", False)]
    assert [call["script"] for call in run.calls] == ["Get-LabHost", "Get-LabHost"]


def test_verification_named_before_a_change_runs_after_it(room: Rehearsal) -> None:
    run = room.inv("verify.nodes", "k8s.join")
    assert run.code == 0, run
    assert [row["step"] for row in run.ends][-1] == "verify.nodes"
    assert "k8s.join" in [row["step"] for row in run.ends]


PLAIN = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5)
connection.request("POST", "/wsman", b"")
print(connection.getresponse().status)
"""


def test_one_pc_is_reached_over_tls_alone_and_one_without(room: Rehearsal) -> None:
    """Both carried the whole lab: `rebuilt` was typed after `hyperv.trust` alone."""
    shown = {host.name: (host.scheme, str(host.port), host.address) for host in room.lab.hosts}
    assert {name: scheme for name, (scheme, _, _) in shown.items()} == {"pc1": "https", "pc2": "http"}
    plain = [sys.executable, "-c", PLAIN]
    _, port, address = shown["pc2"]
    assert room.ask(*plain, address, port).split() == ["401"]
    _, port, address = shown["pc1"]
    assert room.start(*plain, address, port).finish(30).code != 0
    assert (room.state / "hosts" / "pc1.pem").exists()
    again = room.inv("hyperv.trust")
    assert (again.code, "pc1: trusted already" in again.output) == (0, True), again
