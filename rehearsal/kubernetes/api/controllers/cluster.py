"""What all controllers share: the client, one informer for each kind, the events, and the flags."""

from __future__ import annotations

from collections.abc import Callable

from ..client import Client
from ..errors import ApiError
from ..events import Recorder
from ..flags import Flags
from ..informer import Informer
from ..objects import Obj, name_of, namespace_of
from ..paths import collection
from .queue import WorkQueue, key_of

KINDS = {
    "namespaces": "v1",
    "nodes": "v1",
    "pods": "v1",
    "services": "v1",
    "serviceaccounts": "v1",
    "secrets": "v1",
    "configmaps": "v1",
    "endpoints": "v1",
    "persistentvolumes": "v1",
    "persistentvolumeclaims": "v1",
    "deployments": "apps/v1",
    "replicasets": "apps/v1",
    "daemonsets": "apps/v1",
    "endpointslices": "discovery.k8s.io/v1",
    "leases": "coordination.k8s.io/v1",
    "certificatesigningrequests": "certificates.k8s.io/v1",
    "storageclasses": "storage.k8s.io/v1",
}


class Cluster:
    """The view that controllers have. Informers start together, after all controllers have said what they listen to."""

    def __init__(self, client: Client, flags: Flags, component: str) -> None:
        self.client = client
        self.flags = flags
        self.events = Recorder(client, component)
        self._informers: dict[str, Informer] = {}
        self._queues: list[WorkQueue] = []

    def informer(self, plural: str) -> Informer:
        """The one informer of that kind."""
        if plural not in self._informers:
            self._informers[plural] = Informer(self.client, collection(KINDS[plural], plural))
        return self._informers[plural]

    def queue(self, name: str, work: Callable[[str], None]) -> WorkQueue:
        """A queue that starts when everything is known."""
        queue = WorkQueue(name, work)
        self._queues.append(queue)
        return queue

    def on_change(self, plural: str, queue: WorkQueue, keys: Callable[[Obj], list[str]] | None = None) -> Informer:
        """Queue what `keys` makes of each changed object; without it, the object itself."""
        informer = self.informer(plural)

        def changed(before: Obj | None, after: Obj | None) -> None:
            for obj in (before, after):
                for key in keys(obj) if obj and keys else [own_key(obj)] if obj else []:
                    queue.add(key)

        informer.listen(changed)
        return informer

    def start(self) -> None:
        """Start the informers, wait until they have listed, then start the queues."""
        for informer in self._informers.values():
            informer.start()
        for informer in self._informers.values():
            informer.synced.wait()
        for queue in self._queues:
            queue.start()


def own_key(obj: Obj) -> str:
    return key_of(namespace_of(obj), name_of(obj))


def unless_there(create: Callable[[], Obj]) -> Obj | None:
    """Create; None when somebody else was faster or the namespace is on its way out."""
    try:
        return create()
    except ApiError as error:
        if error.reason in ("AlreadyExists", "Forbidden") or error.code == 404:
            return None
        raise


def unless_gone(change: Callable[[], Obj]) -> Obj | None:
    """Change or delete; None when the object is not there any more."""
    try:
        return change()
    except ApiError as error:
        if error.code == 404:
            return None
        raise
