"""A healthy cluster that answers kubectl from a few facts; each test breaks one of them and looks at the rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from labkit.description.lab import Lab, Machine
from labkit.errors import LabError
from labkit.session import Session
from labkit.transport.remote import Result
from labkit.verify.cluster import Clock, Cluster
from labkit.verify.rows import Row

WORKERS = ("w1", "w2", "w3")
NFS_MOUNT_REFUSED = (
    "MountVolume.SetUp failed for volume: rpc error: mount failed: exit status 32\n"
    "Output: mount: /var/lib/kubelet/pods/x: unknown filesystem type 'nfs4'.\n"
)


@dataclass
class FakeMachine:
    """What SSH says on a machine."""

    name: str
    has_cluster: bool = True
    is_container: bool = False
    knows_names: bool = True
    proof: str = ""
    said: list[str] = field(default_factory=list)
    broken: str = ""  # the error of every command, from when it is set

    def run(self, command: str, **_: Any) -> Result:
        self.said.append(command)
        if self.broken:
            raise LabError(self.broken)
        if command.startswith("bash -s"):
            return Result(self.proof or f"time 1000.5\nkernel of-{self.name}\n{certificate_file()}", "", 0)
        if command.startswith("getent"):
            return Result("", "", 0 if self.knows_names else 2)
        found = self.is_container if "detect-virt" in command else self.has_cluster
        return Result("", "", 0 if found else 1)

    sudo = run


@dataclass
class Facts:
    """What is true of the cluster, healthy unless changed."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    api: str = "ok"
    account_after: int = 0  # how often the namespace is looked at before its account is there
    available: int = 3
    spread: tuple[str, ...] = WORKERS
    system: dict[str, dict[str, Any]] = field(default_factory=lambda: {"coredns": {}, "kube-proxy": {}})  # pods' status
    classes: tuple[str, ...] = ("nfs-csi",)
    claim_phase: str = "Bound"
    pods: dict[str, str] = field(default_factory=dict)  # phases; else those that serve run, the others have succeeded
    places: dict[str, str] = field(default_factory=dict)  # where a pod runs; else where it was asked to
    logs: str | None = None  # what the reader says; None: what was written
    events: list[dict[str, str]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)  # what asking pods say instead, by their keys
    service_address: str | None = "192.0.2.120"  # what the load balancer gave
    broken: dict[str, str] = field(default_factory=dict)  # first words of a kubectl line -> its error


class FakeCluster(Cluster):
    """kubectl without a cluster; `said` keeps every line. Time passes only by sleeping."""

    def __init__(self, session: Session) -> None:
        self.slept: list[float] = []
        super().__init__(session, clock=Clock(now=lambda: sum(self.slept), sleep=self.slept.append))
        self.facts = Facts(nodes={m.name: node(m, session.lab) for m in session.lab.nodes})
        self.said: list[str] = []
        self.made: list[dict[str, Any]] = []

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        line = " ".join(arguments)
        self.said.append(line)
        for words, error in self.facts.broken.items():
            if line.startswith(words):
                raise LabError(error)
        if arguments[0] == "apply":
            self.made += [json.loads(document) for document in (stdin or "").splitlines()]
        if arguments[0] == "get":
            return self.facts.api if "--raw=/readyz" in arguments else json.dumps(self._get(arguments))
        if "logs" in arguments and "read" in arguments:
            return self.facts.logs or self._written()
        if "logs" in arguments and arguments[-1] in ("asker", "friend", "stranger"):
            return "".join(f"{key} {said}\n" for key, said in (self._asked() | self.facts.asked).items())
        return f"said of {line}"

    def _asked(self) -> dict[str, str]:
        server = self._place("peer") if self._pod("peer") else ""
        return {
            "friend": "0 ",
            "way": "0 ",
            "stranger": "28 curl: (28) Connection timed out ",
            "inside": "0 10.96.0.1 kubernetes.default.svc.cluster.local ",
            "outside": "0 34.96.108.209 registry.k8s.io ",
            "small": f"0 {server} ",
            "large": "0 1048576 ",
            "service": f"0 {server} ",
        }

    def _pod(self, name: str) -> dict[str, Any]:
        """The pod that was made by that name, or nothing."""
        pods = (made for made in self.made if made["kind"] == "Pod" and made["metadata"]["name"] == name)
        return next(pods, {})

    def _place(self, pod: str) -> str:
        made = self._pod(pod)
        return self.facts.places.get(pod) or str(made["spec"]["nodeSelector"]["kubernetes.io/hostname"])

    def _get(self, arguments: tuple[str, ...]) -> dict[str, Any]:
        words = [word for word in arguments[1:] if not word.startswith("-") and word != self.namespace]
        kind, name = words[0], words[1] if len(words) > 1 else ""
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "nodes": lambda: items(self.facts.nodes.values()),
            "serviceaccounts": self._accounts,
            "storageclasses": lambda: items(storage_class(name) for name in self.facts.classes),
            "deployment": lambda: {"status": {"availableReplicas": self.facts.available}},
            "service": self._service,
            "pods": lambda: self._system() if "--all-namespaces" in arguments else self._spread(),
            "persistentvolumeclaim": lambda: {
                "spec": {"storageClassName": "nfs-csi", "volumeName": "pvc-1"},
                "status": {"phase": self.facts.claim_phase},
            },
            "pod": lambda: {
                "spec": {"nodeName": self._place(name)},
                "status": {"phase": self.facts.pods.get(name) or healthy(name), "podIP": "10.244.3.5"},
            },
            "events": lambda: items(self.facts.events),
        }
        return answers[kind]()

    def _service(self) -> dict[str, Any]:
        given = [{"ip": self.facts.service_address}] if self.facts.service_address else []
        return {"spec": {"ports": [{"nodePort": 31234}]}, "status": {"loadBalancer": {"ingress": given}}}

    def _spread(self) -> dict[str, Any]:
        return items({"spec": {"nodeName": node}, "status": {"phase": "Running"}} for node in self.facts.spread)

    def _system(self) -> dict[str, Any]:
        """The system's pods, ready but for what a test put there, beside somebody's own that never runs."""
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        system = {("kube-system", name): ready | status for name, status in self.facts.system.items()}
        return items(
            {"metadata": {"name": name, "namespace": namespace}, "spec": {"nodeName": "w2"}, "status": status}
            for (namespace, name), status in {**system, ("default", "mine"): {"phase": "Pending"}}.items()
        )

    def _accounts(self) -> dict[str, Any]:
        self.facts.account_after -= 1
        return items([{"metadata": {"name": "default"}}] if self.facts.account_after < 0 else [])

    def _written(self) -> str:
        writer = next(made for made in self.made if made["metadata"]["name"] == "write")
        script: str = writer["spec"]["containers"][0]["command"][-1]
        return script.split()[1] + "\n"


def certificate(
    days: int, addresses: Iterable[IPv4Address | IPv6Address] = (), called: Iterable[str] = ()
) -> x509.Certificate:
    """One that ends in so many days and names these addresses and names."""
    key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    names = x509.SubjectAlternativeName([*map(x509.IPAddress, addresses), *map(x509.DNSName, called)])
    until = now + timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), until)
    return builder.add_extension(names, critical=False).sign(key, None)


@cache
def certificate_file(days: int = 300) -> str:
    """What proof.sh says of a certificate that ends in so many days."""
    pem = certificate(days).public_bytes(Encoding.PEM).decode()
    return f"file /var/lib/kubelet/pki/kubelet-client-current.pem\n{pem}"


def healthy(pod: str) -> str:
    return "Running" if pod in ("peer", "guarded") else "Succeeded"


def by_name(rows: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


def failed(rows: list[Row]) -> list[str]:
    return [row.name for row in rows if row.result == "failed"]


def items(objects: Any) -> dict[str, Any]:
    return {"items": list(objects)}


def node(machine: Machine, lab: Lab) -> dict[str, Any]:
    name, address = machine.name, str(machine.internal.address)
    listed = [role.replace("_", "-") for role in machine.roles if role in ("control_plane", "worker")]
    labels = {f"node-role.kubernetes.io/{role}": "" for role in listed}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {"kubeletVersion": f"v{lab.kubernetes.version}"},
        },
    }


def storage_class(name: str) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": "nfs.csi.k8s.io"}
