"""What the Calico stand-in lets through to a node's pods, as rules and, where this machine can, as nft takes them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from rehearsal.kubernetes.images.policy import Seen, allowed, rules

Object = dict[str, Any]


def pod(name: str, address: str, node: str = "w3", namespace: str = "lab", **labels: str) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}},
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "podIP": address},
    }


def policy(selector: Object, *ingress: Object, namespace: str = "lab", **spec: Any) -> Object:
    return {
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {"podSelector": selector, "ingress": list(ingress), **spec},
    }


GUARDED = pod("guarded", "10.244.3.5")
FRIEND = pod("friend", "10.244.1.7", "w1")
STRANGER = pod("stranger", "10.244.1.8", "w1")
ELSEWHERE = pod("friend", "10.244.1.9", "w1", "other")


def seen(*policies: Object) -> Seen:
    pods = {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in (GUARDED, FRIEND, STRANGER)}
    pods["other/friend"] = ELSEWHERE
    return Seen({f"lab/{number}": one for number, one in enumerate(policies)}, pods)


def label(name: str) -> Object:
    return {"matchLabels": {"app": name}}


def test_a_pod_that_no_policy_selects_is_open_to_everybody() -> None:
    assert allowed(GUARDED, seen(policy(label("friend")))) is None
    assert allowed(GUARDED, seen(policy({}, namespace="other"))) is None


def test_a_selected_pod_hears_only_whom_a_rule_names() -> None:
    guarding = policy(label("guarded"), {"from": [{"podSelector": label("friend")}]})
    assert allowed(GUARDED, seen(guarding)) == {"10.244.1.7"}


def test_a_policy_without_rules_keeps_everybody_out() -> None:
    assert allowed(GUARDED, seen(policy({}))) == set()


def test_several_policies_add_up() -> None:
    both = (policy({}), policy(label("guarded"), {"from": [{"podSelector": label("stranger")}]}))
    assert allowed(GUARDED, seen(*both)) == {"10.244.1.8"}


def test_a_rule_whose_peers_have_no_pod_lets_nobody_in() -> None:
    assert allowed(GUARDED, seen(policy({}, {"from": [{"podSelector": label("nobody")}]}))) == set()


def test_only_this_nodes_pods_are_guarded_here_and_answers_pass() -> None:
    guarding = policy({}, {"from": [{"podSelector": label("friend")}]})
    here, elsewhere = rules("w3", seen(guarding)), rules("w1", seen(guarding))
    assert "ip daddr 10.244.3.5 goto to-10-244-3-5" in here
    assert "ip saddr { 10.244.1.7 } accept\n    drop" in here
    assert here.index("ct state established,related accept") < here.index("ip daddr 10.244.3.5 goto")
    assert "ip daddr 10.244.3.5" not in elsewhere
    assert "ip daddr 10.244.1.8" in elsewhere


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft")
def test_nft_takes_the_tables_and_takes_them_again() -> None:
    text = rules("w3", seen(policy(label("guarded"), {"from": [{"podSelector": label("friend")}]})))
    done = subprocess.run(["unshare", "--net", "nft", "-f", "-"], input=text * 2, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
