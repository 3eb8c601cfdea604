"""One pod: brought up, kept up, reported and taken down, in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from . import log, podstatus, runtime, sandbox
from .api import ApiError, UnreachableError
from .containers import Containers
from .context import Node
from .events import reference
from .volumes import VolumeError, Volumes

Object = dict[str, Any]
TICK_S = 0.5
RETRY_S = 2.0
MIRROR = "kubernetes.io/config.mirror"


class Worker(threading.Thread):
    """Keeps one pod as its object says until that is deleted. `static`: the object came from a file of this machine."""

    def __init__(self, node: Node, pod: Object, *, static: bool) -> None:
        super().__init__(name=f"pod-{pod['metadata']['name']}", daemon=True)
        self.node, self.pod, self.static = node, pod, static
        self.uid: str = pod["metadata"]["uid"]
        self.host_network = bool(pod["spec"].get("hostNetwork"))
        self.began = time.time()
        self.reported: Object = {}
        self.reported_when = node.resend
        self.gone = threading.Event()
        self._wake = threading.Event()
        self._removed = False
        self._quitting = False
        self._prepared = False
        self._retry_at = 0.0
        self.volumes = Volumes(pod, node.fetch, node.token)
        self.containers = Containers(node, pod, self.volumes, static=static)

    @property
    def full_name(self) -> str:
        return f"{self.pod['metadata']['namespace']}/{self.pod['metadata']['name']}"

    def update(self, pod: Object) -> None:
        """A newer object of the same pod."""
        self.pod = pod
        self._wake.set()

    def remove(self) -> None:
        """The object is gone: end the pod without further reports."""
        self._removed = True
        self._wake.set()

    def quit(self) -> None:
        """The kubelet ends; the pod stays."""
        self._quitting = True
        self._wake.set()

    def facts(self) -> Object:
        address = self.address()
        name = self.node.name if self.host_network else self.pod["metadata"]["name"][:63]
        return {"podIP": address or "", "hostIP": self.node.address, "nodeName": self.node.name, "hostname": name}

    def address(self) -> str | None:
        return self.node.address if self.host_network else sandbox.address(self.uid)

    def run(self) -> None:
        while not self._quitting:
            try:
                if self._removed or self.pod["metadata"].get("deletionTimestamp"):
                    self._end()
                    return
                self._keep()
                self._report()
            except (ApiError, UnreachableError) as error:
                log.warning("Pod could not be reported", pod=self.full_name, err=error)
            except Exception as error:  # noqa: BLE001  # one pod's trouble must not end the others
                log.error("Error syncing pod, skipping", pod=self.full_name, err=repr(error))
                time.sleep(RETRY_S)
            self._wake.wait(TICK_S)
            self._wake.clear()

    def _keep(self) -> None:
        if not self._prepared:
            if time.monotonic() < self._retry_at or not self._prepare():
                return
            self._prepared = True
        self.containers.facts = self.facts()
        self.containers.keep()
        self._refresh_token()

    def _prepare(self) -> bool:
        """Volumes, then the network; False when something is not there yet (tried again in a while)."""
        runtime.remember(self.uid, self.pod)
        involved = reference(self.pod, "Pod")
        try:
            self.volumes.prepare()
            if not self.host_network and not sandbox.exists(self.uid):
                sandbox.create(self.uid, self.pod)
        except (VolumeError, LookupError, OSError) as error:
            self._retry_at = time.monotonic() + RETRY_S * 4
            self.node.event(involved, "FailedMount", str(error), "Warning")
            return False
        except sandbox.SandboxError as error:
            self._retry_at = time.monotonic() + RETRY_S
            self.node.event(
                involved,
                "FailedCreatePodSandBox",
                f"Failed to create pod sandbox: rpc error: code = Unknown desc = {error}",
                "Warning",
            )
            return False
        return True

    def _refresh_token(self) -> None:
        try:
            self.volumes.refresh()
        except LookupError as error:
            log.warning("Token could not be renewed yet", pod=self.full_name, err=error)

    def _report(self) -> None:
        """Send the status when it differs from the one sent last."""
        inits, reports = self.containers.reports()
        status = podstatus.build(
            self.pod,
            inits,
            reports,
            host=self.node.address,
            address=self.address(),
            started=self.began,
            previous=self.reported,
        )
        news = status != self.reported or self.reported_when != self.node.resend
        if not news or self.node.api is None or not self.node.registered.is_set():
            return
        when = self.node.resend
        metadata = self.pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        try:
            self.node.client().merge(path, {"status": status})
        except ApiError as error:
            if error.status != 404:
                raise
            return  # a mirror that is not made yet, or a pod deleted just now: the watch tells
        self.reported, self.reported_when = status, when

    def _end(self) -> None:
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None:
            grace = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        names = runtime.containers(self.uid)
        if names:
            self.node.event(reference(self.pod, "Pod"), "Killing", f"Stopping container {names[0]}")
        runtime.stop(self.uid, names, grace)
        runtime.remove(self.uid)
        self.volumes.remove()
        while not (self._removed or self.static or self._quitting):
            if self._delete_object():
                break
            time.sleep(RETRY_S)
        self.gone.set()

    def _delete_object(self) -> bool:
        metadata = self.pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": self.uid},
        }
        try:
            self.node.client().delete(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}", body)
        except ApiError as error:
            return error.status in (404, 409)
        except UnreachableError:
            return False
        return True
