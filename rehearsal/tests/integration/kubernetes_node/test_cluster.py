"""A control plane and a worker made of the stand-ins, in network namespaces of their own, asked by the real kubectl.

The tests of this file go on from each other in order: a cluster takes some seconds to make.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from rehearsal.kubernetes import manifests
from rehearsal.tests.integration.kubernetes_node.machines import Machine, Room, eventually, plugins

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(plugins() is None, reason="no CNI plugins here (package containernetworking-plugins)"),
    pytest.mark.skipif(shutil.which("nft") is None or shutil.which("nginx") is None, reason="needs nft and nginx"),
    pytest.mark.timeout(240),
]
CP1, W1, W2 = "10.77.0.12", "10.77.0.13", "10.77.0.14"
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
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {app: web}}
      containers:
        - name: nginx
          image: docker.io/library/nginx:1.29
          env: [{name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          command: [/bin/sh, -c, "echo $NODE_NAME > /usr/share/nginx/html/index.html && exec nginx -g 'daemon off;'"]
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, nodePort: 30080}]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: share}
spec:
  accessModes: [ReadWriteMany]
  capacity: {storage: 10Mi}
  storageClassName: ""
  csi: {driver: nfs.csi.k8s.io, volumeHandle: x, volumeAttributes: {server: 10.77.0.99, share: /srv/nfs}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: default}
spec: {storageClassName: "", volumeName: share, accessModes: [ReadWriteMany], resources: {requests: {storage: 10Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer, namespace: default}
spec:
  nodeName: w1
  containers: [{name: sh, image: busybox, command: [sleep, "60"], volumeMounts: [{name: d, mountPath: /data}]}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Pod
metadata: {name: once, namespace: default}
spec:
  nodeName: w1
  restartPolicy: Never
  containers: [{name: sh, image: busybox, command: [sh, -c, "echo hello from $(hostname); exit 3"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: strange, namespace: default}
spec:
  nodeName: w1
  containers: [{name: x, image: quay.io/some/thing:1}]
"""


class Cluster:
    """The two machines, and kubectl as admin of their cluster."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.cp1 = room.machine("cp1", CP1)
        self.w1 = room.machine("w1", W1)

    def kubectl(self, *arguments: str) -> str:
        program = shutil.which("kubectl") or "kubectl"
        config = str(self.cp1.file("/etc/kubernetes/admin.conf"))
        done = self.cp1.run(program, "--kubeconfig", config, *arguments, check=False)
        return done.stdout + done.stderr

    def apply(self, text: str) -> None:
        file = self.cp1.file("/root/apply.yaml")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        answer = self.kubectl("apply", "--server-side", "-f", str(file))
        assert "rror" not in answer, answer

    def status(self, node: str) -> str:
        ready = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("get", "node", node, "-o", f"jsonpath={ready}")

    def ask(self, address: str) -> str:
        inside = ["ip", "netns", "exec", self.room.namespace, "curl", "-sS", "-m", "3", f"http://{address}:30080/"]
        return subprocess.run(inside, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # a Unix socket's path is short, so the room's folder must be near the root
    folder = Path("/tmp") / f"f2-{os.getpid()}"
    room = Room(folder)
    try:
        yield Cluster(room)
    finally:
        room.close()


def calico() -> str:
    """The manifest as the CNI stage patches it."""
    bodies = list(yaml.safe_load_all(manifests.tree()["projectcalico/calico/v3.32.1/manifests/calico.yaml"]))
    agent = next(body for body in bodies if body["kind"] == "DaemonSet")
    agent["spec"]["template"]["spec"]["containers"][0]["env"] += [
        {"name": "CALICO_IPV4POOL_CIDR", "value": "10.244.0.0/16"},
        {"name": "IP_AUTODETECTION_METHOD", "value": "kubernetes-internal-ip"},
    ]
    return yaml.safe_dump_all(bodies)


def csi() -> str:
    return "---\n".join(text.decode() for path, text in manifests.tree().items() if "csi-driver-nfs" in path)


def worker_joins(worker: Machine, line: str) -> None:
    worker.kubeadm(*line.split()[1:])


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
    file = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": words[2],
                "token": "abcdef.0123456789abcdef",
                "caCertHashes": [words[6]],
            }
        },
        "nodeRegistration": {"name": "w1", "kubeletExtraArgs": [{"name": "node-ip", "value": W1}]},
        "timeouts": {"discovery": "3s"},
    }
    cluster.w1.write("/etc/kubernetes/kubeadm-join.yaml", yaml.safe_dump(file).encode())
    wrong = cluster.w1.kubeadm("join", "--config", "/etc/kubernetes/kubeadm-join.yaml", check=False)
    assert 'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"' in wrong.stderr
    file["discovery"]["bootstrapToken"]["token"] = words[4]  # type: ignore[index]
    cluster.w1.write("/etc/kubernetes/kubeadm-join.yaml", yaml.safe_dump(file).encode())
    done = cluster.w1.kubeadm("join", "--config", "/etc/kubernetes/kubeadm-join.yaml")
    assert "This node has joined the cluster" in done.stdout
    address = '{.status.addresses[?(@.type=="InternalIP")].address}'
    assert cluster.kubectl("get", "node", "w1", "-o", f"jsonpath={address}") == W1


def test_a_join_that_fails_leaves_what_the_next_one_refuses_until_a_reset(cluster: Cluster) -> None:
    worker, config = cluster.room.machine("w2", W2), "/etc/kubernetes/kubeadm-join.yaml"
    words = cluster.cp1.kubeadm("token", "create", "--print-join-command").stdout.split()
    token = {"apiServerEndpoint": words[2], "token": words[4], "caCertHashes": [words[6]]}
    file = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"bootstrapToken": token},
        "nodeRegistration": {"name": "w2", "kubeletExtraArgs": [{"name": "node-ip", "value": "10.77.0.99"}]},
        "timeouts": {"kubeletHealthCheck": "2s"},
    }
    worker.write(config, yaml.safe_dump(file).encode())
    failed = worker.kubeadm("join", "--config", config, check=False)  # a kubelet with another machine's address
    assert "failed while waiting for the kubelet to start" in failed.stderr
    assert worker.file("/etc/kubernetes/pki/ca.crt").exists()
    assert not worker.file("/etc/kubernetes/bootstrap-kubelet.conf").exists()
    del file["timeouts"]
    file["nodeRegistration"]["kubeletExtraArgs"][0]["value"] = W2  # type: ignore[index]
    worker.write(config, yaml.safe_dump(file).encode())
    refused = worker.kubeadm("join", "--config", config, check=False)
    assert (
        "[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists" in refused.stderr
    )
    worker.kubeadm("reset", "--force")
    worker.write(config, yaml.safe_dump(file).encode())
    worker.kubeadm("join", "--config", config)
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
    cluster.apply(WORKLOAD)
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
    worker_joins(cluster.w1, cluster.cp1.kubeadm("token", "create", "--print-join-command").stdout)
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
