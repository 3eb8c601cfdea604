"""All pods of the node: those bound to it in the API (watched) and the static ones (folder looked at every second)."""

from __future__ import annotations

import threading
import time
from typing import Any

from . import log, runtime, staticpods
from .api import ApiError, UnreachableError
from .context import Node
from .worker import Worker

Object = dict[str, Any]
LOOK_S = 1.0
RETRY_S = 2.0
MIRRORS_EVERY_S = 10.0


class Manager:
    """Gives every pod that should be here a worker, and ends the others."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.workers: dict[str, Worker] = {}
        self.api_pods: dict[str, Object] = {}
        self.mirrors: dict[str, Object] = {}
        self._listed = threading.Event()
        self._changed = threading.Event()
        self._stopping = False
        self._mirrors_at = 0.0
        self._mirrored: set[str] = set()

    def run(self) -> None:
        """Look after the pods until `stop`."""
        threading.Thread(target=self._watch_for_ever, name="pods", daemon=True).start()
        folder = self.node.configuration.get("staticPodPath", "")
        while not self._stopping:
            static = staticpods.read(folder, self.node.name) if folder else []
            self._reconcile(static)
            self._keep_mirrors(static)
            self._changed.wait(LOOK_S)
            self._changed.clear()

    def stop(self) -> None:
        """End the kubelet's own threads; the pods go on."""
        self._stopping = True
        for worker in self.workers.values():
            worker.quit()

    def _reconcile(self, static: list[Object]) -> None:
        wanted = {pod["metadata"]["uid"]: pod for pod in static}
        api = dict(self.api_pods)
        for uid, worker in list(self.workers.items()):
            if worker.gone.is_set():
                del self.workers[uid]
            elif uid in api:
                worker.update(api[uid])
            elif uid not in wanted:
                worker.remove()
        busy = {worker.full_name for worker in self.workers.values()}
        for uid, pod in {**api, **wanted}.items():
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if uid not in self.workers and name not in busy and not _finished(pod):
                self.workers[uid] = Worker(self.node, pod, static=uid in wanted)
                self.workers[uid].start()
        if self._listed.is_set():
            self._end_orphans({*api, *wanted})

    def _end_orphans(self, wanted: set[str]) -> None:
        """What an earlier kubelet started and nobody wants any more."""
        for pod in runtime.pods():
            uid = pod["metadata"]["uid"]
            if uid not in wanted and uid not in self.workers:
                log.info("Killing orphaned pod", pod=pod["metadata"]["name"], uid=uid)
                runtime.stop(uid, runtime.containers(uid), 5)
                runtime.remove(uid)

    def _keep_mirrors(self, static: list[Object]) -> None:
        due = time.monotonic() > self._mirrors_at or {pod["metadata"]["uid"] for pod in static} != self._mirrored
        if not (due and self._listed.is_set() and self.node.registered.is_set()):
            return
        try:
            if staticpods.reconcile_mirrors(self.node, static, list(self.mirrors.values())):
                self.node.resend += 1
        except (ApiError, UnreachableError) as error:
            log.warning("Failed creating a mirror pod", err=error)
            self._mirrors_at = time.monotonic() + RETRY_S
            return
        self._mirrored = {pod["metadata"]["uid"] for pod in static}
        self._mirrors_at = time.monotonic() + MIRRORS_EVERY_S

    def _watch_for_ever(self) -> None:
        while not self._stopping:
            if self.node.api is None or not self.node.registered.is_set():
                time.sleep(0.2)
                continue
            try:
                self._follow(self._list())
            except ApiError as error:
                if error.status != 410:
                    log.warning("Failed to watch pods", err=error)
                    time.sleep(RETRY_S)
            except UnreachableError as error:
                log.warning("Failed to watch pods", err=error)
                time.sleep(RETRY_S)

    def _selector(self) -> dict[str, str]:
        return {"fieldSelector": f"spec.nodeName={self.node.name}"}

    def _list(self) -> str:
        listed = self.node.client().get("/api/v1/pods", **self._selector())
        self.api_pods, self.mirrors = {}, {}
        for pod in listed.get("items", []):
            self._take("ADDED", pod)
        self._listed.set()
        self._changed.set()
        return str(listed["metadata"].get("resourceVersion", "0"))

    def _follow(self, version: str) -> None:
        """Watch until the server ends it, then again from where it ended."""
        while not self._stopping:
            selector = self._selector()["fieldSelector"]
            for event in self.node.client().watch("/api/v1/pods", fieldSelector=selector, resourceVersion=version):
                version = event["object"]["metadata"].get("resourceVersion", version)
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], event["object"])
                    self._changed.set()

    def _take(self, kind: str, pod: Object) -> None:
        pod.setdefault("apiVersion", "v1")
        pod.setdefault("kind", "Pod")
        metadata = pod["metadata"]
        place = self.mirrors if staticpods.MIRROR in (metadata.get("annotations") or {}) else self.api_pods
        if kind == "DELETED":
            place.pop(metadata["uid"], None)
        else:
            place[metadata["uid"]] = pod


def _finished(pod: Object) -> bool:
    """A pod that ended before this kubelet was started needs no worker, unless it is to be deleted."""
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return ended and not pod["metadata"].get("deletionTimestamp")
