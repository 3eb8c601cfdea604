"""The containers of one pod: init containers in turn, then all others, started again by the restart policy."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import environment, images, probes, runtime, sandbox, selinux
from .context import Node
from .environment import ContainerConfigError
from .events import reference
from .paths import LOGS, PROGRAMS, real, write
from .podstatus import Report
from .volumes import Volumes

Object = dict[str, Any]
BACK_OFF_S, BACK_OFF_MAX_S, BACK_OFF_RESET_S = 10.0, 300.0, 600.0


@dataclass
class Kept:
    """What the kubelet remembers of a container between two looks."""

    container: Object
    last: runtime.State | None = None
    waiting: tuple[str, str] | None = None
    not_before: float = 0.0
    delay: float = 0.0
    probers: dict[str, probes.Prober] = field(default_factory=dict)
    attempt: int = -1


class Containers:
    """Starts, watches and restarts the containers of `pod`."""

    def __init__(self, node: Node, pod: Object, volumes: Volumes, *, static: bool) -> None:
        self.node, self.pod, self.volumes, self.static = node, pod, volumes, static
        self.uid: str = pod["metadata"]["uid"]
        self.policy = pod["spec"].get("restartPolicy", "Always")
        self.facts: Object = {}
        self.inits = [Kept(container) for container in pod["spec"].get("initContainers") or []]
        self.mains = [Kept(container) for container in pod["spec"]["containers"]]

    def keep(self) -> None:
        """One look at all of them."""
        for kept in self.inits:
            if not self._init_done(kept):
                return
        for kept in self.mains:
            self._keep_one(kept, self.policy)

    def reports(self) -> tuple[list[Report], list[Report]]:
        """What to say of the init containers and of the others."""
        return [self._report(kept, init=True) for kept in self.inits], [self._report(kept) for kept in self.mains]

    def _init_done(self, kept: Kept) -> bool:
        state = runtime.state(self.uid, kept.container["name"])
        if state is not None and state.code == 0:
            return True
        self._keep_one(kept, "Never" if self.policy == "Never" else "OnFailure")
        return False

    def _keep_one(self, kept: Kept, policy: str) -> None:
        state = runtime.state(self.uid, kept.container["name"])
        if state is None:
            self._start(kept)
        elif state.running:
            self._watch(kept, state)
        elif policy == "Always" or (policy == "OnFailure" and state.code != 0):
            self._restart(kept, state)

    def _watch(self, kept: Kept, state: runtime.State) -> None:
        kept.waiting = None
        if kept.attempt != state.attempt:
            kept.attempt, kept.probers = state.attempt, self._probers(kept.container)
        address, name = self.facts.get("podIP", ""), kept.container["name"]
        startup = kept.probers.get("startup")
        if startup and not startup.value:
            startup.poll(self.uid, name, address, kept.container)
            return
        for kind in ("readiness", "liveness"):
            prober = kept.probers.get(kind)
            if prober is None:
                continue
            changed = prober.poll(self.uid, name, address, kept.container)
            if prober.message:
                self._event("Unhealthy", f"{kind.title()} probe failed: {prober.message}", "Warning")
            if changed and kind == "liveness" and not prober.value:
                self._event("Killing", f"Container {name} failed liveness probe, will be restarted")
                runtime.stop(self.uid, [name], self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    def _probers(self, container: Object) -> dict[str, probes.Prober]:
        begin = {"startup": False, "readiness": False, "liveness": True}
        return {
            kind: probes.Prober(container[f"{kind}Probe"], value)
            for kind, value in begin.items()
            if container.get(f"{kind}Probe")
        }

    def _restart(self, kept: Kept, state: runtime.State) -> None:
        now = time.monotonic()
        if kept.last is None or kept.last.attempt != state.attempt:
            long_run = (state.finished or 0) - state.started > BACK_OFF_RESET_S
            kept.last = state
            kept.not_before = now + (0.0 if long_run else kept.delay)
            kept.delay = BACK_OFF_S if long_run or not kept.delay else min(kept.delay * 2, BACK_OFF_MAX_S)
        if now < kept.not_before:
            name = kept.container["name"]
            where = f"pod={self.pod['metadata']['name']}_{self.pod['metadata']['namespace']}({self.uid})"
            wait = f"back-off {kept.delay / 2:g}s restarting failed container={name} {where}"
            kept.waiting = ("CrashLoopBackOff", wait)
            self._event(
                "BackOff", f"Back-off restarting failed container {name} in pod {where.partition('=')[2]}", "Warning"
            )
            return
        self._start(kept)

    def _start(self, kept: Kept) -> None:
        if time.monotonic() < kept.not_before:
            return
        container, name = kept.container, kept.container["name"]
        try:
            image = images.folder(container["image"])
            spec = self._spec(container, image)
        except images.NoSuchImageError as error:
            again = kept.waiting is not None
            kept.waiting = (
                ("ImagePullBackOff", f'Back-off pulling image "{container["image"]}": ErrImagePull: {error}')
                if again
                else ("ErrImagePull", str(error))
            )
            kept.not_before = time.monotonic() + BACK_OFF_S
            self._event("Failed", f'Failed to pull image "{container["image"]}": {error}', "Warning")
            return
        except (ContainerConfigError, LookupError) as error:
            kept.waiting, kept.not_before = ("CreateContainerConfigError", str(error)), time.monotonic() + 5
            self._event("Failed", f"Error: {error}", "Warning")
            return
        network = None if self.pod["spec"].get("hostNetwork") else sandbox.name(self.uid)
        runtime.start(self.uid, name, spec, self._log(name), network)
        kept.waiting = None
        self._event("Pulled", f'Container image "{container["image"]}" already present on machine')
        self._event("Started", f"Started container {name}")

    def _log(self, name: str) -> Path:
        metadata = self.pod["metadata"]
        previous = runtime.state(self.uid, name)
        attempt = previous.attempt + 1 if previous else 0
        return real(LOGS) / f"{metadata['namespace']}_{metadata['name']}_{self.uid}" / name / f"{attempt}.log"

    def _spec(self, container: Object, image: Path) -> Object:
        service = None if self.static else self.node.service()
        if service is None and not self.static:
            raise LookupError("services have not yet been read at least once, cannot construct envvars")
        values = environment.environment(self.pod, container, service, self.node.fetch, self.facts)
        host_network = bool(self.pod["spec"].get("hostNetwork"))
        return {
            "layers": [str(image / "rootfs")] if (image / "rootfs").is_dir() else [],
            "mounts": [*self._programs(), *self._files(host_network), *self.volumes.mounts(container)],
            "command": environment.command(container, image, values),
            "env": values,
            "hostname": None if host_network else self.facts["hostname"],
            "denied": selinux.denial(self.pod, container) if selinux.confines() else None,
        }

    def _programs(self) -> list[Object]:
        here = real(PROGRAMS)
        return [{"source": str(here), "path": PROGRAMS, "readOnly": True}] if str(here) != PROGRAMS else []

    def _files(self, host_network: bool) -> list[Object]:
        """/etc/hosts, /etc/hostname and /etc/resolv.conf as the pod's DNS policy wants them."""
        policy = self.pod["spec"].get("dnsPolicy", "ClusterFirst")
        clustered = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not host_network)
        files: dict[str, str] = {}
        if clustered:
            files["resolv.conf"] = self._resolver()
        if not host_network:
            files["hosts"] = f"127.0.0.1\tlocalhost\n{self.facts['podIP']}\t{self.facts['hostname']}\n"
            files["hostname"] = f"{self.facts['hostname']}\n"
        folder = runtime.pod_folder(self.uid) / "etc"
        return [
            {"source": str(write(folder / name, text, 0o644)), "path": f"/etc/{name}"} for name, text in files.items()
        ]

    def _resolver(self) -> str:
        domain = self.node.configuration.get("clusterDomain", "cluster.local")
        namespace = self.pod["metadata"]["namespace"]
        servers = "".join(f"nameserver {server}\n" for server in self.node.configuration.get("clusterDNS") or [])
        return f"search {namespace}.svc.{domain} svc.{domain} {domain}\n{servers}options ndots:5\n"

    def _report(self, kept: Kept, *, init: bool = False) -> Report:
        state = runtime.state(self.uid, kept.container["name"])
        waiting = kept.waiting
        if state is None and waiting is None:
            waiting = ("PodInitializing", "") if self.inits and not init else ("ContainerCreating", "")
        running = state is not None and state.running
        started = running and all(p.value for kind, p in kept.probers.items() if kind == "startup")
        ready = started and all(p.value for kind, p in kept.probers.items() if kind == "readiness")
        if init and not running:
            ready = state is not None and state.code == 0
        if running and kept.attempt != (state.attempt if state else -1):
            ready = ready and not kept.container.get("readinessProbe")
        attempt = state.attempt if state else 0
        identity = hashlib.sha256(f"{self.uid}/{kept.container['name']}/{attempt}".encode()).hexdigest()
        return Report(kept.container, state, kept.last, ready, started, waiting, identity)

    def _event(self, reason: str, message: str, kind: str = "Normal") -> None:
        self.node.event(reference(self.pod, "Pod"), reason, message, kind)
