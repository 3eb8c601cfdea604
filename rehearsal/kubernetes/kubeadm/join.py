"""`kubeadm join` of a worker: discovery, the kubelet's bootstrap by token, and the wait for its own certificate."""

from __future__ import annotations

import time
from typing import Any

import yaml

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.paths import BOOTSTRAP_KUBECONFIG, KUBELET_KUBECONFIG, real, write

from . import discovery, duration, kubelet, preflight
from .config import load_join
from .output import CommandError, phase, phase_error, say

Object = dict[str, Any]
DONE = """
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.
"""


def run(config: str | None, overrides: Object) -> None:
    """Make this machine a worker. Raises CommandError or ConfigError."""
    settings = load_join(config, overrides)
    registration = settings["nodeRegistration"]
    preflight.announce("join")
    preflight.run(preflight.join_checks(settings))
    server, ca = discovery.find(settings)
    token = settings["discovery"].get("tlsBootstrapToken") or settings["discovery"]["bootstrapToken"]["token"]
    api = Api(server, ca.decode(), token=token)
    phase("preflight", 'Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...')
    phase("preflight", "Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.")
    configuration = _read(api)
    _refuse_taken_name(api, registration["name"])
    try:
        _bootstrap(settings, server, ca, token)
        kubelet.write_files(configuration, registration)
        kubelet.start()
        kubelet.wait_healthy(configuration, settings["timeouts"])
        _wait_certificate(registration["name"], settings["timeouts"])
    finally:
        # However it ends. The CA's certificate stays, and the next preflight refuses it (cmd/phases/join/kubelet.go).
        real(BOOTSTRAP_KUBECONFIG).unlink(missing_ok=True)
    say(DONE)


def _read(api: Api) -> Object:
    """The cluster's kubelet configuration; reading kubeadm-config too proves that the token may."""
    maps = "/api/v1/namespaces/kube-system/configmaps"
    try:
        api.get(f"{maps}/kubeadm-config")
        text = api.get(f"{maps}/kubelet-config")["data"]["kubelet"]
    except (ApiError, UnreachableError) as error:
        raise phase_error(
            "preflight", f"unable to fetch the kubeadm-config ConfigMap: failed to get config map: {error}"
        ) from None
    loaded = yaml.safe_load(text)
    return loaded if isinstance(loaded, dict) else {}


def _refuse_taken_name(api: Api, name: str) -> None:
    """A Node of this name that is Ready belongs to another machine."""
    try:
        node = api.get(f"/api/v1/nodes/{name}")
    except ApiError as error:
        if error.reason == "NotFound":
            return
        raise phase_error("kubelet-start", f'cannot get Node "{name}": {error}') from None
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))
    if ready:
        text = (
            f'a Node with name "{name}" and status "Ready" already exists in the cluster. You must delete the '
            f"existing Node or change the name of this new joining Node"
        )
        raise phase_error("kubelet-start", text)


def _bootstrap(settings: Object, server: str, ca: bytes, token: str) -> None:
    user = kubeconfig.User("tls-bootstrap-token-user", token=token)
    kubeconfig.save(BOOTSTRAP_KUBECONFIG, kubeconfig.document(server, ca, user))
    write(settings["caCertPath"], ca, 0o644)


def _wait_certificate(name: str, timeouts: Object) -> None:
    """Until the kubelet has a certificate of its own and its Node is there."""
    limit = duration.seconds(timeouts["tlsBootstrap"])
    phase("kubelet-start", "Waiting for the kubelet to perform the TLS Bootstrap")
    deadline, problem = time.monotonic() + limit, "no client certificate yet"
    while time.monotonic() < deadline:
        try:
            if real(KUBELET_KUBECONFIG).exists():
                kubeconfig.login(KUBELET_KUBECONFIG).get(f"/api/v1/nodes/{name}")
                return
        except (ApiError, UnreachableError, OSError, kubeconfig.KubeconfigError) as error:
            problem = str(error)
        time.sleep(0.3)
    raise CommandError(
        f"error execution phase kubelet-start: timed out waiting for the kubelet's TLS bootstrap: {problem}"
    )
