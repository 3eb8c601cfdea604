"""What the workload controllers ask of pods, and how they make them."""

from __future__ import annotations

import copy
import hashlib
import json

from ..client import Client
from ..errors import ApiError
from ..events import Recorder
from ..objects import Obj, condition, dig, is_deleting, name_of, namespace_of, owner_reference, uid_of
from ..paths import CORE, path_of
from .cluster import unless_gone

# Of a template's metadata only these are taken over: its name, if somebody wrote one, is not.
COPIED = ("labels", "annotations", "finalizers")


def is_ready(pod: Obj) -> bool:
    return (condition(pod, "Ready") or {}).get("status") == "True" and not is_deleting(pod)


def is_finished(pod: Obj) -> bool:
    return dig(pod, "status.phase") in ("Succeeded", "Failed")


def owned(client: Client, owner: Obj) -> list[Obj]:
    """The pods that `owner` controls, read from the server: a local copy may be a moment behind."""
    listed = client.get(f"{CORE}/namespaces/{namespace_of(owner)}/pods")["items"]
    return [pod for pod in listed if _controller_uid(pod) == uid_of(owner)]


def _controller_uid(pod: Obj) -> str:
    owners = dig(pod, "metadata.ownerReferences", [])
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def create(client: Client, events: Recorder, owner: Obj, template: Obj) -> None:
    """Make a pod from the owner's template; a refusal is told as FailedCreate and raised."""
    given = template.get("metadata") or {}
    metadata: Obj = {part: copy.deepcopy(given[part]) for part in COPIED if given.get(part)}
    metadata |= {"generateName": f"{name_of(owner)}-", "namespace": namespace_of(owner)}
    metadata["ownerReferences"] = [owner_reference(owner)]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    try:
        made = client.create(f"{CORE}/namespaces/{namespace_of(owner)}/pods", pod)
    except ApiError as error:
        events.record(owner, "FailedCreate", f"Error creating: {error.message}", "Warning")
        raise
    events.record(owner, "SuccessfulCreate", f"Created pod: {name_of(made)}")


def delete(client: Client, events: Recorder, owner: Obj, pod: Obj) -> None:
    """Delete a pod of the owner, unless it is gone already."""
    if unless_gone(lambda: client.delete(path_of(pod), {"preconditions": {"uid": uid_of(pod)}})):
        events.record(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")


def template_hash(template: Obj) -> str:
    """A short name for a pod template, the same for equal templates."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    digits = hashlib.sha256(text.encode()).digest()
    letters = "bcdfghjklmnpqrstvwxz2456789"
    return "".join(letters[byte % len(letters)] for byte in digits[:10])
