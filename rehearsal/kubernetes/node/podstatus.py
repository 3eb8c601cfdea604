"""A pod's status as the kubelet reports it, from the states of its containers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .events import timestamp
from .runtime import State

Object = dict[str, Any]
Condition = tuple[str, bool, Object]  # type, whether it holds, reason and message


@dataclass
class Report:
    """What is known of one container; `waiting` is (reason, message) while it does not run."""

    container: Object
    state: State | None
    last: State | None = None
    ready: bool = False
    started: bool = False
    waiting: tuple[str, str] | None = None
    identity: str = ""

    def status(self) -> Object:
        """The entry of containerStatuses."""
        body: Object = {
            "name": self.container["name"],
            "image": self.container["image"],
            "imageID": f"stand-in/{self.container['image']}",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.state.attempt if self.state else 0,
            "state": self._state(),
            "lastState": {"terminated": terminated(self.last, self.identity)} if self.last else {},
        }
        if self.state:
            body["containerID"] = f"containerd://{self.identity}"
        return body

    def _state(self) -> Object:
        if self.waiting or self.state is None:
            reason, message = self.waiting or ("ContainerCreating", "")
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        if self.state.running:
            return {"running": {"startedAt": timestamp(self.state.started)}}
        return {"terminated": terminated(self.state, self.identity)}


def terminated(state: State, identity: str) -> Object:
    reason = "Completed" if state.code == 0 else "Error"
    return {
        "exitCode": state.code,
        "reason": reason,
        "startedAt": timestamp(state.started),
        "finishedAt": timestamp(state.finished),
        "containerID": f"containerd://{identity}",
    }


def phase(inits: list[Report], reports: list[Report], policy: str) -> str:
    """Pending, Running, Succeeded or Failed, by the rules of the Pod life cycle."""
    if any(r.state is not None and r.state.code not in (None, 0) for r in inits) and policy == "Never":
        return "Failed"
    if any(r.state is None or r.state.code != 0 for r in inits) or any(r.state is None for r in reports):
        return "Pending"
    codes = [r.state.code for r in reports if r.state is not None]
    if any(code is None for code in codes) or policy == "Always":
        return "Running"
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def build(
    pod: Object,
    inits: list[Report],
    reports: list[Report],
    *,
    host: str,
    address: str | None,
    started: float,
    previous: Object,
) -> Object:
    """The whole status. `previous` is the one reported before: conditions that stay keep their transition time."""
    current = phase(inits, reports, pod["spec"].get("restartPolicy", "Always"))
    wanted = _conditions(current, inits, reports, networked=address is not None)
    status: Object = {
        "phase": current,
        "conditions": [condition(name, value, extra, previous) for name, value, extra in wanted],
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "startTime": timestamp(started),
        "containerStatuses": [r.status() for r in reports],
        "qosClass": "BestEffort",
    }
    if inits:
        status["initContainerStatuses"] = [r.status() for r in inits]
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status


def _conditions(current: str, inits: list[Report], reports: list[Report], *, networked: bool) -> list[Condition]:
    initialized = all(r.state is not None and r.state.code == 0 for r in inits)
    unready = [r.container["name"] for r in reports if not r.ready]
    told: Object = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    finished = current in ("Succeeded", "Failed")
    if finished:
        told = {"reason": "PodCompleted"}
    ready = not unready and initialized and not finished
    if ready:
        told = {}
    return [
        ("PodReadyToStartContainers", networked, {}),
        ("Initialized", initialized, {} if initialized else {"reason": "ContainersNotInitialized"}),
        ("Ready", ready, told),
        ("ContainersReady", ready, told),
        ("PodScheduled", True, {}),
    ]


def condition(name: str, value: bool, extra: Object, previous: Object) -> Object:
    text = "True" if value else "False"
    old: Object = next((c for c in previous.get("conditions") or [] if c["type"] == name), {})
    since = old.get("lastTransitionTime") if old.get("status") == text else None
    return {"type": name, "status": text, "lastProbeTime": None, "lastTransitionTime": since or timestamp(), **extra}
