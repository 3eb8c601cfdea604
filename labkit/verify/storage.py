"""A volume of the default StorageClass: bound, written on one node, read on another.

Where a machine is a container, it mounts with its host's kernel, which may lack NFS. When the mount was really
attempted there and that kernel said so, nothing is known about the lab's storage: such rows read `not proven here`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.description.lab import Machine
from labkit.errors import LabError
from labkit.pxe import images
from labkit.verify import pods
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

IMAGE = images.SHELL
DEFAULT_MARK = "storageclass.kubernetes.io/is-default-class"
KERNEL_REFUSALS = ("unknown filesystem type", "no such device")  # mount(8) and mount.nfs(8), of a missing module
ATTEMPTED = ("FailedMount", "ProvisioningFailed")  # reasons of events that follow a mount that was tried


@dataclass(frozen=True)
class Step:
    """Something that must become true: what to look at, and what proves it."""

    name: str
    done: Callable[[], str | None]  # what was seen once it is true, else None
    describe: tuple[str, ...]


def check(cluster: Cluster) -> list[Row]:
    """Rows about the default StorageClass, a claim, a write on one node and a read on another."""
    lab = cluster.session.lab
    if lab.storage is None:
        return [Row("storage", "not proven here", "no machine of this lab has the role storage")]
    if cluster.lacks_network:
        return [Row("storage", "not proven here", cluster.lacks_network)]
    rows, token = [_default_class(cluster)], secrets.token_hex(8)
    end = cluster.clock.now() + lab.timeouts.verify_s  # of all waits together: what hangs once hangs again
    writer, reader = lab.workers[0], lab.workers[-1]
    cluster.stores_on = lab.storage
    cluster.apply(_claim(), _pod("write", writer, f"echo {token} > /data/token && sync"))
    bound = Step("volume is bound", lambda: _bound(cluster), ("persistentvolumeclaim", "data"))
    rows.append(_wait(cluster, writer, bound, end))
    wrote = Step(f"volume is written on {writer.name}", lambda: _succeeded(cluster, "write", writer), ("pod", "write"))
    rows.append(_wait(cluster, writer, wrote, end))
    read_row = f"volume is read on {reader.name}"
    if writer is reader:
        return [*rows, Row(read_row, "not proven here", "only one node takes pods, so there is no other to read on")]
    if rows[-1].result != "ok":
        return [*rows, Row(read_row, rows[-1].result, f"nothing was written: {rows[-1].measured}")]
    cluster.apply(_pod("read", reader, "cat /data/token"))
    read = Step(read_row, lambda: _succeeded(cluster, "read", reader), ("pod", "read"))
    return [*rows, _compare(cluster, _wait(cluster, reader, read, end), token)]


def _default_class(cluster: Cluster) -> Row:
    classes = cluster.read("storageclasses")["items"]
    marked = [item for item in classes if item["metadata"].get("annotations", {}).get(DEFAULT_MARK) == "true"]
    names = ", ".join(f"{item['metadata']['name']} ({item['provisioner']})" for item in marked)
    return Row("one default StorageClass", passed_if(len(marked) == 1), names or "none is the default")


def _wait(cluster: Cluster, machine: Machine, step: Step, end: float) -> Row:
    """Wait for a step; a kernel that cannot mount ends the waiting at once."""
    begin = cluster.clock.now()
    seen, refusal, failure = None, None, ""

    def is_over() -> bool:
        nonlocal seen, refusal, failure
        try:
            seen = step.done()
        except LabError as error:
            failure = error.problem
            return True
        refusal = None if seen else _kernel_refusal(cluster)
        return seen is not None or refusal is not None

    cluster.until(is_over, end - begin)
    seconds = cluster.clock.now() - begin
    if seen is not None:
        return Row(step.name, "ok", seen, seconds)
    detail = cluster.tail("--namespace", cluster.namespace, "describe", *step.describe)
    if refusal and _is_container(cluster, machine):
        return Row(step.name, "not proven here", refusal, seconds, detail)
    return Row(step.name, "failed", refusal or failure or f"not so after {seconds:.0f} s", seconds, detail)


def _kernel_refusal(cluster: Cluster) -> str | None:
    """What a kernel said of a mount that was really attempted, from the events; None when no kernel refused."""
    for event in cluster.mine("events"):
        message = str(event.get("message", ""))
        if event.get("reason") in ATTEMPTED and any(words in message.lower() for words in KERNEL_REFUSALS):
            lines = [line.strip() for line in message.splitlines()]
            return next(line for line in lines if any(words in line.lower() for words in KERNEL_REFUSALS))
    return None


def _is_container(cluster: Cluster, machine: Machine) -> bool:
    """Whether a machine shares its host's kernel, by its own word (systemd-detect-virt ends with 0 in a container)."""
    remote = cluster.session.machines.to(machine)
    return remote.run("systemd-detect-virt --quiet --container", check=False).code == 0


def _bound(cluster: Cluster) -> str | None:
    claim = cluster.one("persistentvolumeclaim", "data")
    if claim.get("status", {}).get("phase") != "Bound":
        return None
    return f"{claim['spec'].get('storageClassName')}, {claim['spec'].get('volumeName')}"


def _succeeded(cluster: Cluster, pod: str, machine: Machine) -> str | None:
    """That a pod which ends by itself did so on `machine`; LabError when it ended badly, or elsewhere."""
    found = cluster.one("pod", pod)
    phase = found.get("status", {}).get("phase")
    if phase == "Failed":
        raise LabError(f"pod {pod} failed: {cluster.tail('--namespace', cluster.namespace, 'logs', pod)}")
    if phase != "Succeeded":
        return None
    place = found["spec"].get("nodeName")
    if place != machine.name:
        raise LabError(f"pod {pod} ran on {place}, not on {machine.name}")
    return f"pod ran on {place}"


def _compare(cluster: Cluster, row: Row, token: str) -> Row:
    if row.result != "ok":
        return row
    said = cluster.kubectl("--namespace", cluster.namespace, "logs", "read").strip()
    if said == token:
        return Row(row.name, "ok", f"{row.measured} and read what was written", row.seconds)
    return Row(row.name, "failed", f"read {said!r}, written was {token!r}", row.seconds)


def _claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Mi"}}},
    }


def _pod(name: str, machine: Machine, script: str) -> dict[str, Any]:
    mounted = {**pods.container(name, IMAGE, script), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    return pods.once(machine.name, mounted, volumes=volumes)
