"""kube-apiserver: put the parts together and serve."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .admission import Admission
from .allocation import Allocator
from .authorization import Authorizer
from .bootstrap import ensure_defaults
from .disk import Disk
from .errors import ApiError
from .flags import Flags
from .handlers import Api
from .identity import Authenticator
from .objects import Obj, age_seconds, dig, name_of, namespace_of, timestamp
from .operations import Operations
from .podlog import KubeletCredential
from .resources import Registry
from .server import Server, tls_context
from .service_tokens import ServiceTokens
from .stopping import until_stopped
from .store import Store

EVENT_LIFE_S = 3600.0
EVENT_SWEEP_S = 300.0
DEFAULTS_S = 10.0
CONNECT_S = 2.0
log = logging.getLogger("apiserver")


def run(flags: Flags) -> int:
    """Serve until stopped; 0."""
    store = Store(Disk(Path(flags.text("etcd-data-dir"))))
    server = build(flags, store)
    thread = server.run_in_thread()
    log.info("stand-in for kube-apiserver serves on %s:%s", *server.server_address[:2])
    until_stopped()
    server.shutdown()
    store.close()
    thread.join()
    return 0


def build(flags: Flags, store: Store) -> Server:
    """The server with everything behind it, bound to its port but not yet serving."""
    registry = Registry()
    for definition in store.all(("apiextensions.k8s.io", "customresourcedefinitions")):
        registry.add_definition(definition)
    allocator = Allocator(store, flags.text("service-cluster-ip-range"), flags.text("service-node-port-range"))
    operations = Operations(store, registry, Admission(store, allocator))
    tokens = _tokens(flags)
    address = flags.text("advertise-address") or "127.0.0.1"
    _keep_defaults(operations, allocator.first_address, address, flags.number("secure-port"))
    api = Api(
        operations=operations,
        authorizer=Authorizer(store),
        tokens=tokens,
        kubelet=_kubelet_credential(flags),
        version=version(flags.text("kubernetes-version")),
        ready=lambda: _missing(flags.text("etcd-servers")),
    )
    context = tls_context(
        *(Path(flags.text(name)) for name in ("tls-cert-file", "tls-private-key-file", "client-ca-file"))
    )
    _sweep_events(store)
    return Server(
        (flags.text("bind-address"), flags.number("secure-port")),
        context,
        Authenticator(store, tokens).user,
        api.answer,
    )


def version(text: str) -> Obj:
    """The body of /version."""
    major, minor = text.removeprefix("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": text,
        "gitCommit": "stand-in",
        "gitTreeState": "clean",
        "buildDate": timestamp(),
        "goVersion": "none",
        "compiler": "none",
        "platform": "linux/amd64",
    }


def _tokens(flags: Flags) -> ServiceTokens | None:
    key = flags.path("service-account-signing-key-file")
    return ServiceTokens(key, flags.text("service-account-issuer")) if key else None


def _kubelet_credential(flags: Flags) -> KubeletCredential | None:
    certificate, key = flags.path("kubelet-client-certificate"), flags.path("kubelet-client-key")
    return KubeletCredential(certificate, key) if certificate and key else None


def _missing(etcd_servers: str) -> str:
    """ "etcd" when the process that owns the data folder does not answer."""
    if not etcd_servers:
        return ""
    place = urlsplit(etcd_servers.split(",")[0])
    try:
        socket.create_connection((place.hostname or "127.0.0.1", place.port or 2379), timeout=CONNECT_S).close()
    except OSError:
        return "etcd"
    return ""


def _keep_defaults(operations: Operations, service_address: str, address: str, port: int) -> None:
    """Make what every cluster has, and make it again when somebody deletes it (kubectl delete service --all)."""
    try:
        ensure_defaults(operations, service_address, address, port)
    except ApiError as error:
        log.warning("an object of every cluster cannot be made: %s", error)
    _later(DEFAULTS_S, _keep_defaults, operations, service_address, address, port)


def _later(seconds: float, call: Callable[..., None], *arguments: object) -> None:
    timer = threading.Timer(seconds, call, arguments)
    timer.daemon = True
    timer.start()


def _sweep_events(store: Store) -> None:
    """Forget events after an hour, as the real server does."""
    key = ("", "events")
    for event in store.all(key):
        moment = event.get("lastTimestamp") or dig(event, "metadata.creationTimestamp")
        if age_seconds(moment) > EVENT_LIFE_S:
            store.remove(key, namespace_of(event), name_of(event))
    _later(EVENT_SWEEP_S, _sweep_events, store)
