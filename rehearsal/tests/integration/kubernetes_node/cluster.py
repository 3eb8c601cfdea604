"""A control plane and a worker of the stand-ins, asked by the real kubectl, and what is applied to their cluster."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

from rehearsal.kubernetes import manifests
from rehearsal.tests.integration.kubernetes_node.machines import Room

CP1, W1, W2 = "10.77.0.12", "10.77.0.13", "10.77.0.14"
WORKLOAD = Path(__file__).with_name("workload.yaml")
JOIN = "/etc/kubernetes/kubeadm-join.yaml"


def joining(
    words: list[str], name: str, address: str, *, token: str = "", timeouts: dict[str, str] | None = None
) -> bytes:
    """kubeadm-join.yaml for a machine; `words` are those of `kubeadm token create --print-join-command`."""
    file = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": words[2],
                "token": token or words[4],
                "caCertHashes": [words[6]],
            }
        },
        "nodeRegistration": {"name": name, "kubeletExtraArgs": [{"name": "node-ip", "value": address}]},
    }
    return yaml.safe_dump(file | ({"timeouts": timeouts} if timeouts else {})).encode()


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
