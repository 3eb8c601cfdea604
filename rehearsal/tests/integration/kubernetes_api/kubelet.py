"""A kubelet for tests: registers a node, sends heartbeats, and says of every pod that it runs."""

from __future__ import annotations

import http.server
import ssl
import threading
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from rehearsal.kubernetes.api.client import Client
from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.informer import Informer
from rehearsal.kubernetes.api.objects import Obj, dig, is_deleting, name_of, namespace_of, timestamp

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CONDITIONS = {"Ready": "True", "MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False"}


def _conditions() -> list[Obj]:
    moment = timestamp()
    return [
        {
            "type": kind,
            "status": status,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": moment,
            "reason": "KubeletReady" if kind == "Ready" else "KubeletHasNo" + kind,
            "message": "kubelet is posting ready status",
        }
        for kind, status in CONDITIONS.items()
    ]


class FakeKubelet:
    """One node. `stop` ends the heartbeats, as a power cut would."""

    def __init__(self, kubeconfig: Path, name: str, *, heartbeat_s: float = 0.5, port: int = 10250) -> None:
        self._client = Client.from_kubeconfig(kubeconfig)
        self._name, self._heartbeat_s, self._port = name, heartbeat_s, port
        self._stopped = threading.Event()
        self._address = 0
        self._pods = Informer(self._client, "/api/v1/pods", self._pod_changed, fieldSelector=f"spec.nodeName={name}")

    def start(self) -> FakeKubelet:
        self._register()
        self._pods.start()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def stop(self) -> None:
        self._stopped.set()
        self._pods.stop()

    def _register(self) -> None:
        labels = {"kubernetes.io/hostname": self._name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        room = {"cpu": "2", "memory": "2Gi", "pods": "110"}
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": self._name}],
            "capacity": room,
            "allocatable": room,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}},
            "nodeInfo": {"kubeletVersion": "v1.36.4", "osImage": "Rocky Linux 9.6", "architecture": "amd64"},
            "conditions": _conditions(),
        }
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": labels},
            "status": status,
        }
        try:
            self._client.create("/api/v1/nodes", node)
        except ApiError as error:
            if error.code != 409:
                raise

    def _beat(self) -> None:
        while not self._stopped.wait(self._heartbeat_s):
            try:
                self._renew()
                self._report()
            except (OSError, HTTPException):
                continue  # the server is away: the next heartbeat tries again, as a kubelet's does
            except ApiError as error:
                if error.code != 404:  # its node was deleted: a kubelet does not register again by itself
                    raise

    def _renew(self) -> None:
        renewed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": 40, "renewTime": renewed}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._name}}
        if self._client.find(f"{LEASES}/{self._name}") is None:
            self._client.create(LEASES, {**lease, "spec": spec})
        else:
            self._client.patch(f"{LEASES}/{self._name}", {"spec": spec})

    def _report(self) -> None:
        node = self._client.get(f"/api/v1/nodes/{self._name}")
        ready = [one for one in node["status"]["conditions"] if one["type"] == "Ready"]
        if ready[0]["status"] != "True":
            change = {"status": {"conditions": _conditions()}}
            self._client.patch(f"/api/v1/nodes/{self._name}/status", change, "strategic")

    def _pod_changed(self, _: Obj | None, pod: Obj | None) -> None:
        if pod is None or self._stopped.is_set():
            return
        path = f"/api/v1/namespaces/{namespace_of(pod)}/pods/{name_of(pod)}"
        try:
            if is_deleting(pod):
                self._client.delete(path, {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}})
            elif dig(pod, "status.phase") == "Pending":
                self._address += 1
                self._client.patch(f"{path}/status", {"status": self._running(pod)}, "strategic")
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    def _running(self, pod: Obj) -> Obj:
        moment = timestamp()
        statuses = [
            {
                "name": one["name"],
                "image": one["image"],
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": moment}},
            }
            for one in pod["spec"]["containers"]
        ]
        ready = [
            {"type": kind, "status": "True", "lastTransitionTime": moment} for kind in ("Ready", "ContainersReady")
        ]
        address = f"10.244.{sum(self._name.encode()) % 250}.{self._address}"
        return {
            "phase": "Running",
            "hostIP": "127.0.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": moment,
            "containerStatuses": statuses,
            "conditions": ready,
        }


class _Logs(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        subject = dict(pair for part in self.connection.getpeercert()["subject"] for pair in part)
        body = f"{self.path} asked by {subject['commonName']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Keep the test's output clean."""


def serve_logs(certificate: Path, key: Path, authority: Path) -> http.server.HTTPServer:
    """A kubelet's /containerLogs on a free port, for clients with a certificate of the cluster only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
