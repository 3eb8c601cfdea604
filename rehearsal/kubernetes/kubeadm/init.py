"""`kubeadm init`: the phases in their order."""

from __future__ import annotations

import time
from collections.abc import Callable

from rehearsal.kubernetes.node import x509
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.paths import KUBERNETES, real

from . import addons, administrator, certs, duration, kubeconfigs, kubelet, preflight, staticpods, upload
from .config import InitSettings, load_init
from .output import CommandError, phase, phase_error, say

DONE = """
Your Kubernetes control-plane has initialized successfully!

To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=/etc/kubernetes/admin.conf

You should now deploy a pod network to the cluster.
Run "kubectl apply -f [podnetwork].yaml" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/
"""


# In kubeadm's order; `cmd/kubeadm/app/cmd/init.go` appends them so.
PHASES = (
    "preflight",
    "certs",
    "kubeconfig",
    "etcd",
    "control-plane",
    "kubelet-start",
    "wait-control-plane",
    "upload-config",
    "upload-certs",
    "mark-control-plane",
    "bootstrap-token",
    "kubelet-finalize",
    "addon",
    "show-join-command",
)


def run(config: str, skip_phases: list[str]) -> None:
    """Make this machine the control plane of a new cluster, or go on with one that was begun.

    Raises CommandError or ConfigError.
    """
    settings = load_init(config)
    skipped = _known(skip_phases)
    phase("init", f"Using Kubernetes version: {settings.cluster['kubernetesVersion']}")
    if "preflight" not in skipped:
        preflight.announce("init")
        preflight.run(preflight.init_checks(settings))
    for name, work in _on_disk(settings):
        if name not in skipped:
            _do(name, work)
    kubelet.wait_healthy(settings.kubelet, settings.init["timeouts"])
    api = wait_control_plane(settings)
    for name, work in _in_cluster(api, settings):
        if name not in skipped:
            _do(name, work)
    say(DONE)
    say("Then you can join any number of worker nodes by running the following on each as root:\n")
    token = settings.init["bootstrapTokens"][0]["token"]
    say(join_command(settings.endpoint.removeprefix("https://"), token, lines=True))


def _known(phases: list[str]) -> set[str]:
    for name in phases:
        if name not in PHASES:
            raise CommandError(f"invalid phase name: {name}")
    return set(phases)


def _on_disk(settings: InitSettings) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("certs", lambda: certs.make(settings)),
        ("kubeconfig", lambda: kubeconfigs.make(settings)),
        ("control-plane", lambda: staticpods.make(settings)),
        ("kubelet-start", lambda: _start_kubelet(settings)),
    ]


def _in_cluster(api: Api, settings: InitSettings) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("upload-config", lambda: upload.configuration(api, settings)),
        ("mark-control-plane", lambda: upload.mark_control_plane(api, settings)),
        ("bootstrap-token", lambda: upload.bootstrap_tokens(api, settings)),
        ("addon", lambda: addons.apply(api, settings)),
    ]


def _do(name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except (ApiError, UnreachableError, OSError, ValueError) as error:
        raise phase_error(name, error) from None


def _start_kubelet(settings: InitSettings) -> None:
    kubelet.write_files(settings.kubelet, settings.init["nodeRegistration"])
    kubelet.start()


def wait_control_plane(settings: InitSettings) -> Api:
    """Until the API has its administrator, is live and knows the node. Raises CommandError.

    The first of it has kubernetesAPICall to come up, not controlPlaneComponentHealthCheck: the real program asks for
    its client before it begins to wait (cmd/phases/init/waitcontrolplane.go of 1.36).
    """
    limit = duration.seconds(settings.init["timeouts"]["controlPlaneComponentHealthCheck"])
    phase(
        "wait-control-plane",
        f'Waiting for the kubelet to boot up the control plane as static Pods from directory "{KUBERNETES}/manifests"',
    )
    api = administrator.ensure(duration.seconds(settings.init["timeouts"]["kubernetesAPICall"]))
    phase(
        "control-plane-check",
        f"Waiting for healthy control plane components. This can take up to {duration.written(limit)}",
    )
    started = time.monotonic()
    problem = "not asked yet"
    while time.monotonic() - started < limit:
        try:
            api.get("/livez")
            api.get(f"/api/v1/nodes/{settings.node_name}")
        except (ApiError, UnreachableError) as error:
            problem = str(error)
            time.sleep(0.3)
            continue
        phase("control-plane-check", f"kube-apiserver is healthy after {time.monotonic() - started:.6f}s")
        return api
    phase("control-plane-check", f"kube-apiserver is not healthy after {duration.written(limit)}")
    raise CommandError(
        f"error execution phase wait-control-plane: failed while waiting for the control plane to "
        f"start: kube-apiserver check failed at {settings.local_endpoint}/livez: {problem}"
    )


def join_command(endpoint: str, token: str, *, lines: bool = False) -> str:
    """What a worker types; over two lines as `init` prints it, on one as `token create` does."""
    ca = x509.certificate(real(f"{KUBERNETES}/pki/ca.crt").read_bytes())
    link = " \\\n\t" if lines else " "
    end = "" if lines else " "
    return (
        f"kubeadm join {endpoint} --token {token}{link}--discovery-token-ca-cert-hash {x509.public_key_hash(ca)}{end}"
    )
