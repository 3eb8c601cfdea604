"""The status tables."""

from __future__ import annotations

import io
import json
import re

import pytest

from labkit.errors import LabError, MissingError
from labkit.k8s import status
from labkit.k8s.facts import NodeFacts, nodes
from labkit.session import Session
from tests.unit.k8s.doubles import FakeMachines

MESSAGE = "Kubelet stopped posting node status."
SILENT = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": MESSAGE}
ADDRESSES = {"Hostname": "cp1", "InternalIP": "10.190.87.12"}
NODES = {
    "items": [
        {
            "metadata": {"name": "cp1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
            "status": {
                "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
                "addresses": [{"type": kind, "address": address} for kind, address in ADDRESSES.items()],
                "nodeInfo": {"kubeletVersion": "v1.36.4"},
            },
        },
        {"metadata": {"name": "w1"}, "status": {"conditions": [SILENT]}},
        {"metadata": {"name": "by-hand"}},
    ]
}


def test_what_a_node_is_is_read_once_and_typed_and_one_made_by_hand_says_nothing() -> None:
    assert nodes(NODES) == [
        NodeFacts("cp1", "True", "", ("control-plane",), "10.190.87.12", "v1.36.4"),
        NodeFacts("w1", "Unknown", MESSAGE, (), "", ""),
        NodeFacts("by-hand", "", "", (), "", ""),
    ]


def test_status_shows_nodes_and_what_stages_lack(
    session: Session, machines: FakeMachines, printed: io.StringIO
) -> None:
    machines.remotes["cp1"].answers["get nodes"] = json.dumps(NODES)
    machines.remotes["w3"].answers["bash -s -- k8s.join"] = "kubelet does not run"
    status.show_cluster(session)
    out = printed.getvalue()
    assert re.search(r"cp1 .* yes .* control-plane .* 10\.190\.87\.12 .* v1\.36\.4", out)
    assert re.search(r"w1 .* unknown .* - .* - .* - ", out)
    assert "k8s.join: w3: kubelet does not run" in out
    assert "k8s.cni: done" in out


def test_without_a_cluster_status_names_the_task_that_makes_it(session: Session, machines: FakeMachines) -> None:
    machines.remotes["cp1"].answers["bash -s"] = "it has no /etc/kubernetes/admin.conf"
    with pytest.raises(MissingError, match=r"inv k8s\.all"):
        status.show_cluster(session)


def test_with_an_api_server_that_does_not_answer_the_stages_are_shown_before_its_error(
    session: Session, machines: FakeMachines, printed: io.StringIO
) -> None:
    machines.remotes["cp1"].answers["get nodes"] = 1
    machines.remotes["w3"].answers["bash -s -- k8s.join"] = "kubelet does not run"
    with pytest.raises(LabError, match="get nodes"):
        status.show_cluster(session)
    assert "k8s.join: w3: kubelet does not run" in printed.getvalue()
