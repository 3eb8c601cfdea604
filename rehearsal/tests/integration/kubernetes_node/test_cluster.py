"""A control plane and a worker made of the stand-ins, in network namespaces of their own, asked by the real kubectl.

The tests of this file go on from each other in order: a cluster takes some seconds to make.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from rehearsal.tests.integration.kubernetes_node.cluster import (
    CP1,
    JOIN,
    W1,
    W2,
    WORKLOAD,
    Cluster,
    calico,
    csi,
    joining,
)
from rehearsal.tests.integration.kubernetes_node.machines import Room, eventually, plugins

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(plugins() is None, reason="no CNI plugins here (package containernetworking-plugins)"),
    pytest.mark.skipif(shutil.which("nft") is None or shutil.which("nginx") is None, reason="needs nft and nginx"),
    pytest.mark.timeout(240),
]
INIT = f"""\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: {CP1}}}
nodeRegistration:
  name: cp1
  kubeletExtraArgs: [{{name: node-ip, value: {CP1}}}]
timeouts: {{controlPlaneComponentHealthCheck: 90s, kubeletHealthCheck: 30s}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: 1.36.4
networking: {{podSubnet: 10.244.0.0/16}}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # a Unix socket's path is short, so the room's folder must be near the root
    folder = Path("/tmp") / f"f2-{os.getpid()}"
    room = Room(folder)
    try:
        yield Cluster(room)
    finally:
        room.close()


def test_swap_and_a_closed_runtime_are_refused_on_the_machine(cluster: Cluster) -> None:
    cluster.cp1.write("/etc/kubernetes/kubeadm-init.yaml", INIT.encode())
    cluster.cp1.write("/swaps", b"/dev/dm-1\n")
    cluster.cp1.write("/modules", b"overlay\n")
    refused = cluster.cp1.kubeadm("init", "--config", "/etc/kubernetes/kubeadm-init.yaml", check=False)
    assert refused.returncode == 1
    assert "[ERROR Swap]" in refused.stderr
    assert "[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]" in refused.stderr
    assert not cluster.cp1.file("/etc/kubernetes/pki").exists()
    cluster.cp1.file("/swaps").unlink()
    cluster.cp1.write("/modules", b"overlay\nbr_netfilter\n")


def test_an_init_that_was_killed_goes_on_without_preflight(cluster: Cluster) -> None:
    machine, config = cluster.w1, "/etc/kubernetes/kubeadm-init.yaml"
    machine.write(config, INIT.replace(CP1, W1).replace("name: cp1", "name: w1").encode())
    machine.kubeadm_killed("init", "--config", config, once=machine.file("/kubelet.pid").exists)
    asked = [shutil.which("kubectl") or "kubectl", "--kubeconfig", str(machine.file("/etc/kubernetes/admin.conf"))]
    eventually(lambda: machine.run(*asked, "get", "--raw=/readyz", check=False).stdout == "ok")
    last = [
        *asked,
        "-n",
        "kube-system",
        "get",
        "configmap/kubeadm-config",
        "daemonset/kube-proxy",
        "deployment/coredns",
    ]
    assert "(Forbidden)" in machine.run(*last, check=False).stderr
    authority = machine.file("/etc/kubernetes/pki/ca.crt").read_bytes()
    refused = machine.kubeadm("init", "--config", config, check=False)
    assert "[ERROR FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml]" in refused.stderr
    done = machine.kubeadm("init", "--config", config, "--skip-phases=preflight")
    assert "[certs] Using existing ca certificate authority" in done.stdout
    assert 'Using existing kubeconfig file: "/etc/kubernetes/admin.conf"' in done.stdout
    assert "Your Kubernetes control-plane has initialized successfully!" in done.stdout
    assert machine.file("/etc/kubernetes/pki/ca.crt").read_bytes() == authority
    machine.run(*last)
    machine.kubeadm("reset", "-f")


def test_init_brings_up_a_control_plane_that_waits_for_a_network(cluster: Cluster) -> None:
    done = cluster.cp1.kubeadm("init", "--config", "/etc/kubernetes/kubeadm-init.yaml")
    assert "Your Kubernetes control-plane has initialized successfully!" in done.stdout
    assert cluster.status("cp1") == "False"
    message = cluster.kubectl("get", "node", "cp1", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].message}')
    assert "cni plugin not initialized" in message


def test_a_second_init_is_refused(cluster: Cluster) -> None:
    refused = cluster.cp1.kubeadm("init", "--config", "/etc/kubernetes/kubeadm-init.yaml", check=False)
    assert refused.returncode == 1
    for check in (
        "Port-6443",
        "Port-10250",
        "FileAvailable--etc-kubernetes-manifests-etcd.yaml",
        "DirAvailable--var-lib-etcd",
    ):
        assert f"[ERROR {check}]" in refused.stderr


def test_a_worker_joins_only_with_the_right_hash_and_token(cluster: Cluster) -> None:
    line = cluster.cp1.kubeadm("token", "create", "--ttl", "15m", "--print-join-command").stdout
    words = line.split()
    wrong = cluster.w1.kubeadm(*words[1:6], f"sha256:{'0' * 64}", check=False)
    assert wrong.returncode == 1
    assert "none of the public keys" in wrong.stderr
    assert not cluster.w1.file("/etc/kubernetes/kubelet.conf").exists()
    file = partial(joining, words, "w1", W1, timeouts={"discovery": "3s"})
    cluster.w1.write(JOIN, file(token="abcdef.0123456789abcdef"))
    wrong = cluster.w1.kubeadm("join", "--config", JOIN, check=False)
    assert 'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"' in wrong.stderr
    cluster.w1.write(JOIN, file())
    done = cluster.w1.kubeadm("join", "--config", JOIN)
    assert "This node has joined the cluster" in done.stdout
    address = '{.status.addresses[?(@.type=="InternalIP")].address}'
    assert cluster.kubectl("get", "node", "w1", "-o", f"jsonpath={address}") == W1


def test_a_join_that_fails_leaves_what_the_next_one_refuses_until_a_reset(cluster: Cluster) -> None:
    worker = cluster.room.machine("w2", W2)
    words = cluster.cp1.kubeadm("token", "create", "--print-join-command").stdout.split()
    worker.write(JOIN, joining(words, "w2", "10.77.0.99", timeouts={"kubeletHealthCheck": "2s"}))
    failed = worker.kubeadm("join", "--config", JOIN, check=False)  # a kubelet with another machine's address
    assert "failed while waiting for the kubelet to start" in failed.stderr
    assert worker.file("/etc/kubernetes/pki/ca.crt").exists()
    assert not worker.file("/etc/kubernetes/bootstrap-kubelet.conf").exists()
    worker.write(JOIN, joining(words, "w2", W2))
    refused = worker.kubeadm("join", "--config", JOIN, check=False)
    assert (
        "[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists" in refused.stderr
    )
    worker.kubeadm("reset", "--force")
    worker.write(JOIN, joining(words, "w2", W2))
    worker.kubeadm("join", "--config", JOIN)
    worker.kubeadm("reset", "--force")
    cluster.kubectl("delete", "node", "w2")


def test_nodes_are_ready_once_the_network_is_there(cluster: Cluster) -> None:
    def ready(node: str) -> bool:
        return cluster.status(node) == "True"

    cluster.apply(calico())
    for node in ("cp1", "w1"):
        eventually(partial(ready, node), 60)


def test_pods_are_processes_of_their_node_and_answer_with_its_name(cluster: Cluster) -> None:
    cluster.apply(csi())
    cluster.apply(WORKLOAD.read_text(encoding="utf-8"))
    eventually(lambda: cluster.kubectl("get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}") == "2", 60)
    seen = {eventually(lambda: cluster.ask(CP1)) for _ in range(12)} | {cluster.ask(W1) for _ in range(12)}
    assert seen == {"cp1", "w1"}


def test_the_output_of_a_pod_comes_through_its_kubelet(cluster: Cluster) -> None:
    eventually(lambda: cluster.kubectl("get", "pod", "once", "-o", "jsonpath={.status.phase}") == "Failed")
    assert cluster.kubectl("logs", "once") == "hello from once\n"


def test_an_image_that_is_none_of_the_stand_ins_is_named(cluster: Cluster) -> None:
    state = "jsonpath={.status.containerStatuses[0].state.waiting}"
    text = eventually(lambda: cluster.kubectl("get", "pod", "strange", "-o", state))
    assert "thing is not among the stand-in's images" in str(text)


def test_a_mount_is_attempted_and_refused_in_the_kernels_words(cluster: Cluster) -> None:
    def told() -> str:
        events = cluster.kubectl("get", "events", "--field-selector", "reason=FailedMount", "-o", "yaml")
        return events if "mount failed: exit status 32" in events else ""

    if Path("/proc/filesystems").read_text().count("nfs4"):
        pytest.skip("this kernel has NFS: the mount is not refused by it")
    assert "Mounting arguments: -t nfs4 10.77.0.99:/srv/nfs" in str(eventually(told, 60))


def test_the_cluster_resolves_its_own_names(cluster: Cluster) -> None:
    eventually(lambda: "0/1" not in cluster.kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns"), 60)
    service = cluster.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    script = (
        "import socket, struct; q = struct.pack('>HHHHHH', 7, 256, 1, 0, 0, 0) + b''.join(bytes([len(p)]) + p.encode() "
        "for p in 'web.default.svc.cluster.local'.split('.')) + bytes([0, 0, 1, 0, 1]); "
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(q, ('10.96.0.10', 53)); "
        "print(socket.inet_ntoa(s.recv(512)[-4:]))"
    )
    assert cluster.w1.run("/usr/bin/python3", "-c", script).stdout.strip() == service


def test_pods_outlive_the_kubelet_and_are_found_again(cluster: Cluster) -> None:
    names = cluster.kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}")
    cluster.w1.run("systemctl", "stop", "kubelet")
    assert {cluster.ask(W1) for _ in range(12)} == {"cp1", "w1"}
    cluster.w1.run("systemctl", "start", "kubelet")
    eventually(lambda: cluster.kubectl("delete", "pod", "strange", "--timeout=20s").startswith("pod"), 30)
    assert cluster.kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}") == names
    counts = cluster.kubectl(
        "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
    )
    assert counts == "0 0"


def test_a_node_whose_kubelet_is_killed_is_not_ready_until_it_is_back(cluster: Cluster) -> None:
    os.kill(int(cluster.w1.file("/kubelet.pid").read_text()), signal.SIGKILL)
    eventually(lambda: cluster.status("w1") == "Unknown", 70)
    cluster.w1.run("systemctl", "start", "kubelet")
    eventually(lambda: cluster.status("w1") == "True", 40)


def test_a_node_that_was_deleted_comes_back_by_the_kubelets_restart_alone(cluster: Cluster) -> None:
    """The kubelet goes on renewing its Lease (every 10 s) and posting its status, and registers at its start only."""
    cluster.kubectl("delete", "node", "w1")
    end = time.monotonic() + 15
    while time.monotonic() < end:
        assert cluster.kubectl("get", "node", "w1") == 'Error from server (NotFound): nodes "w1" not found\n'
        time.sleep(1)
    assert 'nodes "w1" not found' in cluster.w1.kubelet_log()
    cluster.w1.run("systemctl", "restart", "kubelet")
    eventually(lambda: cluster.status("w1") == "True", 40)


def test_reset_leaves_a_machine_that_can_join_again(cluster: Cluster) -> None:
    done = cluster.w1.kubeadm("reset", "-f")
    assert "does not perform cleanup of CNI plugin configuration" in done.stdout
    assert not cluster.w1.file("/etc/kubernetes/kubelet.conf").exists()
    assert cluster.w1.file("/etc/cni/net.d/10-calico.conflist").exists()
    assert not list(cluster.w1.file("/run/rehearsal/pods").glob("*"))
    cluster.kubectl("delete", "node", "w1")
    line = cluster.cp1.kubeadm("token", "create", "--print-join-command").stdout
    cluster.w1.kubeadm(*line.split()[1:])
    eventually(lambda: cluster.status("w1") == "True", 40)


def test_a_mirror_that_was_deleted_comes_back_running(cluster: Cluster) -> None:
    def seen() -> tuple[str, str]:
        fields = "jsonpath={.metadata.uid} {.status.phase}"
        uid, _, phase = cluster.kubectl(
            "get", "pod", "kube-scheduler-cp1", "-n", "kube-system", "-o", fields
        ).partition(" ")
        return uid, phase

    before = seen()
    cluster.kubectl("delete", "pod", "kube-scheduler-cp1", "-n", "kube-system", "--wait=false")
    eventually(lambda: seen()[0] != before[0] and seen()[1] == "Running", 40)
