"""The Node object: registered once, its status posted, its Lease renewed; that is what keeps a node Ready."""

from __future__ import annotations

import time
from typing import Any

from . import log, machine, sandbox
from .api import ApiError, UnreachableError
from .context import Node
from .events import timestamp
from .paths import kubernetes_version

Object = dict[str, Any]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
RENEW_S = 10.0
REPORT_S = 300.0
LOOK_S = 1.0
NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin "
    "returns error: "
    "cni plugin not initialized"
)
READY = "kubelet is posting ready status"


class Reporter:
    """Keeps this machine's Node up to date until `stop`. `runtime` is the CRI endpoint; `taints` are registered."""

    def __init__(self, node: Node, runtime: str, taints: list[Object], labels: dict[str, str]) -> None:
        self.node, self.runtime, self.taints, self.labels = node, runtime, taints, labels
        self.runtime_name = machine.container_runtime(runtime)
        self.conditions: list[Object] = []
        self._posted_at = self._renewed_at = -REPORT_S
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True

    def run(self) -> None:
        """Register, renew the Lease every 10 s; post the status on change, every 5 minutes, and when it was lost."""
        while not self._stopping:
            try:
                self._look()
            except (ApiError, UnreachableError) as error:
                log.error("Error updating node status, will retry", err=error)
                time.sleep(LOOK_S)
            time.sleep(LOOK_S)

    def _look(self) -> None:
        if not self.node.registered.is_set():
            self._register()
        now = time.monotonic()
        ready = self._ready()
        if now - self._renewed_at >= RENEW_S:
            self._renew()
            self._renewed_at = now
            if self._lost():
                self._posted_at = -REPORT_S
                self.node.resend += 1  # who gives a node up, marks its pods as not ready
        if now - self._posted_at >= REPORT_S or ready != self._last_ready():
            self.node.client().merge(f"/api/v1/nodes/{self.node.name}/status", {"status": self.status()})
            self._posted_at = now

    def _lost(self) -> bool:
        """Whether the API has another opinion of this node than it was told (after it had given the node up)."""
        found = self.node.client().get(f"/api/v1/nodes/{self.node.name}")
        told = {c["type"]: c["status"] for c in found.get("status", {}).get("conditions", [])}
        return told.get("Ready") != ("True" if self._ready()[0] else "False")

    def _register(self) -> None:
        api = self.node.client()
        body = self.object()
        try:
            api.create("/api/v1/nodes", body)
            log.info("Successfully registered node", node=self.node.name)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            api.merge(f"/api/v1/nodes/{self.node.name}", {"metadata": {"labels": body["metadata"]["labels"]}})
            api.merge(f"/api/v1/nodes/{self.node.name}/status", {"status": body["status"]})
        self._posted_at = time.monotonic()
        self.node.registered.set()

    def _renew(self) -> None:
        spec = {"holderIdentity": self.node.name, "leaseDurationSeconds": 40, "renewTime": timestamp(micro=True)}
        api = self.node.client()
        try:
            api.merge(f"{LEASES}/{self.node.name}", {"spec": spec})
        except ApiError as error:
            if error.status != 404:
                raise
            metadata = {"name": self.node.name, "namespace": "kube-node-lease"}
            api.create(
                LEASES, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            )

    def _ready(self) -> tuple[bool, str, str]:
        problem = machine.cri_problem(self.runtime)
        if problem:
            return False, "KubeletNotReady", f"container runtime is down: {problem}"
        if sandbox.configuration() is None:
            return False, "KubeletNotReady", NO_NETWORK
        return True, "KubeletReady", READY

    def _last_ready(self) -> tuple[bool, str, str] | None:
        last = next((c for c in self.conditions if c["type"] == "Ready"), None)
        return (last["status"] == "True", last["reason"], last["message"]) if last else None

    def _conditions(self) -> list[Object]:
        pressures = (
            ("Memory", "sufficient memory available"),
            ("Disk", "no disk pressure"),
            ("PID", "sufficient PID available"),
        )
        wanted = [
            (
                f"{kind}Pressure",
                "False",
                f"KubeletHasSufficient{kind}" if kind != "Disk" else "KubeletHasNoDiskPressure",
                f"kubelet has {text}",
            )
            for kind, text in pressures
        ]
        ready, reason, message = self._ready()
        now, old = timestamp(), {c["type"]: c for c in self.conditions}
        result = []
        for kind, status, why, text in [*wanted, ("Ready", "True" if ready else "False", reason, message)]:
            before = old.get(kind, {})
            since = before["lastTransitionTime"] if before.get("status") == status else now
            result.append(
                {
                    "type": kind,
                    "status": status,
                    "reason": why,
                    "message": text,
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": since,
                }
            )
        self.conditions = result
        return result

    def status(self) -> Object:
        """NodeStatus as it is now."""
        resources = {
            "cpu": str(machine.cpus()),
            "memory": f"{machine.memory_kib()}Ki",
            "pods": str(self.node.configuration.get("maxPods", 110)),
            "ephemeral-storage": "20Gi",
        }
        release = machine.os_release()
        return {
            "addresses": [
                {"type": "InternalIP", "address": self.node.address},
                {"type": "Hostname", "address": self.node.name},
            ],
            "capacity": resources,
            "allocatable": resources,
            "conditions": self._conditions(),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": int(self.node.configuration.get("port", 10250))}},
            "nodeInfo": {
                "architecture": machine.architecture(),
                "bootID": _boot_id(),
                "containerRuntimeVersion": self.runtime_name,
                "kernelVersion": machine.output("uname", "-r").strip(),
                "kubeProxyVersion": "",
                "kubeletVersion": kubernetes_version(),
                "machineID": machine.machine_id(),
                "operatingSystem": "linux",
                "osImage": release.get("PRETTY_NAME", "unknown"),
                "systemUUID": machine.system_uuid(),
            },
        }

    def object(self) -> Object:
        """The Node as it registers."""
        names = {"hostname": self.node.name, "os": "linux", "arch": machine.architecture()}
        labels = {f"kubernetes.io/{key}": value for key, value in names.items()}
        labels |= {"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": machine.architecture(), **self.labels}
        annotations = {
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            "stand-in/kubelet": "processes, not containers",
        }
        metadata = {"name": self.node.name, "labels": labels, "annotations": annotations}
        taints = [*self.taints, {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": metadata,
            "spec": {"taints": taints},
            "status": self.status(),
        }


def _boot_id() -> str:
    return machine.real_or_host("/proc/sys/kernel/random/boot_id").read_text().strip()
