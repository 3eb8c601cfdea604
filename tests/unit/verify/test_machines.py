"""Clocks that agree, and certificates that last."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.errors import LabError
from labkit.verify import machines as verified
from tests.unit.verify.fakes import FakeCluster, certificate_file, failed


def says(machines: Any, name: str, time: float = 1000.5, kernel: str = "", files: str | None = None) -> None:
    text = f"time {time}\nkernel {kernel or name}\n"
    machines.machines[name].proof = text + (certificate_file() if files is None else files)


def test_a_healthy_lab_has_both_rows_ok(cluster: FakeCluster) -> None:
    clocks, certificates = verified.check(cluster)
    assert (clocks.name, clocks.result) == ("clocks agree", "ok")
    assert (certificates.name, certificates.result) == ("certificates on the nodes", "ok")
    assert certificates.measured.startswith("4 are good until ")


def test_a_clock_that_is_off_is_named_with_the_one_it_is_behind_and_how_to_look(
    cluster: FakeCluster, machines: Any
) -> None:
    says(machines, "w2", time=900.0)
    clocks, _ = rows = verified.check(cluster)
    assert failed(rows) == ["clocks agree"]
    assert "w2 is 100 s or more behind" in clocks.measured
    assert "chronyc" in clocks.measured


def test_nodes_that_share_a_kernel_prove_nothing_about_clocks(cluster: FakeCluster, machines: Any) -> None:
    for machine in cluster.session.lab.nodes:
        says(machines, machine.name, kernel="one")
    assert [row.result for row in verified.check(cluster)] == ["not proven here", "ok"]


def test_a_certificate_about_to_end_is_named_with_its_node_and_what_renews_it(
    cluster: FakeCluster, machines: Any
) -> None:
    says(machines, "w3", files=certificate_file(days=3))
    _, certificates = rows = verified.check(cluster)
    assert failed(rows) == ["certificates on the nodes"]
    assert "kubelet-client-current.pem on w3 ends on" in certificates.measured
    assert "kubeadm certs renew all" in certificates.measured


def test_nodes_without_any_certificate_are_no_cluster(cluster: FakeCluster, machines: Any) -> None:
    for machine in cluster.session.lab.nodes:
        says(machines, machine.name, files="")
    assert verified.check(cluster)[1].measured == "no node has any"


def test_a_node_that_does_not_answer_is_one_failed_row(
    cluster: FakeCluster, machines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> Any:
        raise LabError("w2 (10.190.86.14): no SSH connection")

    monkeypatch.setattr(machines.machines["w2"], "sudo", silent)
    (row,) = verified.check(cluster)
    assert (row.result, row.measured) == ("failed", "w2 (10.190.86.14): no SSH connection")
