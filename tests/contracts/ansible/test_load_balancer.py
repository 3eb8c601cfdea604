"""What the load balancer's role makes of a cluster whose nodes have several adapters, and whose webhook is slow."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, namespace: metallb-system}
"""
OLDER = """\
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata:
  labels: {name: wrong}
  name: left
  namespace: metallb-system
spec: {template: {metadata: {name: wrong}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: holds-more}
"""
POOL = "/etc/kubernetes/lab/metallb-pool/pool.yaml"
ADAPTERS = """
for name in eth1 eth2; do ip link add "$name" type veth peer name "w$name" && ip link set "$name" up; done
ip address add 10.190.87.12/24 dev eth1
for last in 101 102 103 104; do ip address add "192.0.2.$last/24" dev eth2; done
"""


@pytest.fixture
def served(tmp_path: Path) -> dict[str, Any]:
    """A manifest of upstream's, as the variables of the role name it."""
    return serve(tmp_path, MANIFEST + OLDER)


def serve(tmp_path: Path, manifest: str) -> dict[str, Any]:
    file = tmp_path / "served" / "metallb-native.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(manifest, encoding="utf-8")
    return {
        "load_balancer_manifest": file.name, "load_balancer_checksum": hashlib.sha256(file.read_bytes()).hexdigest(),
        "manifests_url": file.parent.as_uri(), "manifests_checksums": "pinned",
        "manifests_cache": str(tmp_path / "cache"),
    }  # fmt: skip


def play(begun: Begun, served: dict[str, Any]) -> Run:
    run = begun.play("load-balancer.yml", "cp1", role="load_balancer", **served)
    assert run.result == "success", run.failures
    return run


def test_what_leaves_a_set_is_removed_once_and_what_may_hold_others_objects_stays(
    begun: Begun, served: dict[str, Any], tmp_path: Path
) -> None:
    begun.put("/etc/kubernetes/admin.conf")
    begun.world("api")
    begun.around(ADAPTERS, "")
    play(begun, served)
    assert begun.calls == []
    newer = serve(tmp_path, MANIFEST)
    play(begun, newer)
    left = "PodDisruptionBudget.policy left --namespace=metallb-system"
    assert begun.calls == [f"kubectl delete {left} --ignore-not-found --wait=false"]
    assert not play(begun, newer).changed
    assert begun.calls == []


def test_the_pool_is_announced_at_the_adapters_of_external_and_a_webhook_that_is_away_is_waited_for(
    begun: Begun, served: dict[str, Any]
) -> None:
    begun.put("/etc/kubernetes/admin.conf")
    begun.world("api", "webhook-away")
    begun.around(ADAPTERS, "")
    play(begun, served)
    pool, advertisement = yaml.safe_load_all(begun.file(POOL).read_text(encoding="utf-8"))
    assert pool["spec"]["addresses"] == ["192.0.2.120-192.0.2.129"]
    assert advertisement["spec"] == {"ipAddressPools": ["external"], "interfaces": ["eth2"]}
