"""Each row of verification fails when its own thing is broken, and the others stay ok."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rehearsal.rehearsing import Rehearsal, eventually

PATIENCE_S = 25
IMAGE = "/usr/lib/rehearsal/images/nginx"
API_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
NO_NODE_PORTS = """nft -f - <<'EOF'
table inet breaking {
  chain arriving {
    type filter hook prerouting priority -300
    iifname eth2 tcp dport 30000-32767 drop
  }
}
EOF"""

NO_FULL_PACKETS = """nft -f - <<'EOF'
table inet breaking {
  chain arriving {
    type filter hook prerouting priority -300
    iifname eth1 udp dport 4789 meta length > 1000 drop
  }
}
EOF"""

# What Calico's agent loads goes away again at once, and all else goes on.
NO_POLICIES = (
    "systemd-run --quiet --unit=no-policies sh -c"
    " 'while sleep 0.1; do nft delete table ip calico-policy 2> /dev/null; done'"
)


@pytest.fixture(scope="module")
def impatient(room: Rehearsal) -> Path:
    return room.impatient(verify_s=PATIENCE_S)


@contextmanager
def broken(room: Rehearsal, machine: str, how: str, repair: str) -> Iterator[None]:
    """Break something on a machine by a command, and repair it whatever happens."""
    room.on(machine, how)
    try:
        yield
    finally:
        room.on(machine, repair)


@contextmanager
def kubectl(room: Rehearsal, how: tuple[str, ...], repair: tuple[str, ...]) -> Iterator[None]:
    room.kubectl(*how)
    try:
        yield
    finally:
        room.kubectl(*repair)


def test_closed_node_ports_and_a_missing_provisioner_fail_in_their_own_rows(room: Rehearsal, impatient: Path) -> None:
    scale = ("--namespace=kube-system", "scale", "deployment/csi-nfs-controller")
    with (
        broken(room, "w1", NO_NODE_PORTS, "nft delete table inet breaking"),
        kubectl(room, (*scale, "--replicas=0"), (*scale, "--replicas=1")),
    ):
        room.kubectl(
            "--namespace=kube-system",
            "wait",
            "--for=delete",
            "pod",
            "--selector=app=csi-nfs-controller",
            "--timeout=40s",
        )
        started = [room.start_inv(task, file=impatient) for task in ("verify.nginx", "verify.storage")]
        nginx, storage = (one.finish(200) for one in started)
    room.kubectl("--namespace=kube-system", "rollout", "status", "deployment/csi-nfs-controller", "--timeout=60s")
    assert (nginx.code, storage.code) == (8, 8), f"{nginx}\n{storage}"
    assert failed(nginx.output) == {"nginx answers at w1"}, nginx
    # without a volume nothing can be written, and what was not written cannot be read
    assert failed(storage.output) == {"volume is bound", "volume is written on w1", "volume is read on w3"}, storage


def test_a_dead_image_on_one_node_fails_in_the_row_of_replicas(room: Rehearsal, impatient: Path) -> None:
    with broken(room, "w2", f"mv {IMAGE} {IMAGE}.gone", f"mv {IMAGE}.gone {IMAGE}"):
        run = room.inv("verify.nginx", file=impatient)
    assert run.code == 8, run
    # the replica that cannot start stands on no node
    assert run.failed() == {"nginx, 3 replicas", "nginx is spread"}, run


def test_replicas_that_share_a_node_fail_in_the_row_of_spread(room: Rehearsal, impatient: Path) -> None:
    with kubectl(room, ("cordon", "w2"), ("uncordon", "w2")):
        run = room.inv("verify.nginx", file=impatient)
    assert (run.code, run.failed()) == (8, {"nginx is spread"}), run


def test_a_system_pod_whose_image_is_nowhere_fails_in_its_row(room: Rehearsal, impatient: Path) -> None:
    own = ("--namespace=kube-system",)
    run_it = (*own, "run", "broken", "--image=registry.k8s.io/nothing:1")
    with kubectl(room, run_it, (*own, "delete", "pod", "broken", "--now")):
        run = room.inv("verify.system", file=impatient)
    assert (run.code, run.failed()) == (8, {"system pods are ready"}), run


def test_full_packets_that_get_lost_between_hosts_fail_in_their_own_row(room: Rehearsal, impatient: Path) -> None:
    with broken(room, "w1", NO_FULL_PACKETS, "nft delete table inet breaking"):
        run = room.inv("verify.network", file=impatient)
    assert (run.code, run.failed()) == (8, {"large packets between pods"}), run


def test_names_that_nobody_answers_fail_in_the_rows_of_names(room: Rehearsal) -> None:
    scale = ("--namespace=kube-system", "scale", "deployment/coredns")
    with kubectl(room, (*scale, "--replicas=0"), (*scale, "--replicas=2")):
        run = room.inv("verify.network")  # each look at a name takes its time
    assert (run.code, run.failed()) == (8, {"names in the cluster", "a Service by its name"}), run
    room.kubectl("--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s")


def test_policies_that_a_node_does_not_enforce_fail_in_their_own_row(room: Rehearsal, impatient: Path) -> None:
    with broken(room, "w3", NO_POLICIES, "systemctl stop no-policies"):
        run = room.inv("verify.network", file=impatient)
    assert (run.code, run.failed()) == (8, {"NetworkPolicy"}), run


def test_a_load_balancer_that_gives_no_addresses_fails_in_the_row_of_the_services_own(
    room: Rehearsal, impatient: Path
) -> None:
    scale = ("--namespace=metallb-system", "scale", "deployment/controller")
    with kubectl(room, (*scale, "--replicas=0"), (*scale, "--replicas=1")):
        room.kubectl(
            "--namespace=metallb-system",
            "wait",
            "--for=delete",
            "pod",
            "--selector=component=controller",
            "--timeout=40s",
        )
        run = room.inv("verify.nginx", file=impatient)
    assert (run.code, run.failed()) == (8, {"nginx answers at its own address"}), run
    room.kubectl("--namespace=metallb-system", "rollout", "status", "deployment/controller", "--timeout=60s")


def test_a_second_default_class_fails_in_its_row(room: Rehearsal, impatient: Path) -> None:
    (found,) = json.loads(room.kubectl("get", "storageclasses", "--output=json"))["items"]
    keep = {name: found[name] for name in ("apiVersion", "kind", "provisioner", "parameters") if name in found}
    second = {**keep, "metadata": {"name": "another", "annotations": found["metadata"]["annotations"]}}
    file = room.folder / "another.json"
    file.write_text(json.dumps(second), encoding="utf-8")
    with kubectl(room, ("create", "--filename", str(file)), ("delete", "storageclass", "another")):
        run = room.inv("verify.storage", file=impatient)
    assert (run.code, run.failed()) == (8, {"one default StorageClass"}), run


def test_an_api_server_that_is_gone_fails_in_its_row(room: Rehearsal, impatient: Path) -> None:
    with broken(room, "cp1", f"mv {API_MANIFEST} /root/", f"mv /root/{Path(API_MANIFEST).name} {API_MANIFEST}"):
        room.on("cp1", "for _ in $(seq 40); do ss -Hltn sport = 6443 | grep -q . || exit 0; sleep 1; done; exit 1")
        run = room.inv("verify.all", file=impatient)
    assert (run.code, run.failed()) == (8, {"API server is ready"}), run
    room.on(
        "cp1",
        "for _ in $(seq 60); do curl -sk https://127.0.0.1:6443/readyz | grep -qx ok && exit 0; sleep 1; done; exit 1",
    )
    eventually(room.ready, dict.fromkeys(("cp1", "w1", "w2", "w3"), "True"), timeout_s=60)


def failed(output: str) -> set[str]:
    """The failed rows by the table on the terminal: two verifications at once share one journal."""
    cells = ([cell.strip() for cell in line.split("│")] for line in output.splitlines())
    return {row[1] for row in cells if len(row) > 3 and row[2] == "failed"}
