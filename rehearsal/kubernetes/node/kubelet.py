"""The kubelet: its flags and configuration, the checks at its start, and its loops."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import yaml

from . import bootstrap, kubeconfig, log, machine, sandbox, server
from .context import Node
from .manager import Manager
from .nodestatus import Reporter
from .paths import (
    BOOTSTRAP_KUBECONFIG,
    CRI_SOCKET,
    KUBELET,
    KUBELET_CONFIG,
    KUBELET_KUBECONFIG,
    kubernetes_version,
    real,
)

Object = dict[str, Any]
FOLDERS = ("pods", "plugins", "plugins_registry", "pki")
CGROUP_V1 = (
    "kubelet is configured to not run on a host using cgroup v1. This machine shares its host's kernel, so the "
    "stand-in goes on; a machine "
    "of its own would need cgroup v2 or failCgroupV1: false"
)


class StartError(Exception):
    """Why the kubelet does not start; systemd tries again, as with the real one."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags that kubeadm and the unit's drop-in give. An unknown one ends the kubelet, as it does the real one."""
    parser = argparse.ArgumentParser(prog="kubelet", allow_abbrev=False)
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--bootstrap-kubeconfig", default=BOOTSTRAP_KUBECONFIG)
    parser.add_argument("--kubeconfig", default=KUBELET_KUBECONFIG)
    parser.add_argument("--config", default=KUBELET_CONFIG)
    parser.add_argument("--node-ip", default="")
    parser.add_argument("--hostname-override", default="")
    parser.add_argument("--container-runtime-endpoint", default="")
    parser.add_argument("--register-with-taints", default="")
    parser.add_argument("--node-labels", default="")
    parser.add_argument("--cgroup-driver", default="")
    parser.add_argument("--resolv-conf", default="")
    parser.add_argument("-v", "--v", default="2")
    return parser.parse_args(arguments)


def load(path: str) -> Object:
    """The KubeletConfiguration. Raises StartError with the real one's words."""
    try:
        loaded = yaml.safe_load(real(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StartError(
            f"failed to load kubelet config file, path: {path}, error: failed to load Kubelet config "
            f'file {path}, error failed to read kubelet config file "{path}", error: open {path}: no '
            f"such file or directory"
        ) from None
    except yaml.YAMLError as error:
        raise StartError(f"failed to load kubelet config file, path: {path}, error: {error}") from None
    if not isinstance(loaded, dict) or loaded.get("kind") != "KubeletConfiguration":
        raise StartError(f"failed to load kubelet config file, path: {path}, error: no kind KubeletConfiguration in it")
    instance = real(f"{KUBELET}/instance-config.yaml")
    if instance.exists():
        loaded |= {
            key: value
            for key, value in yaml.safe_load(instance.read_text()).items()
            if key == "containerRuntimeEndpoint"
        }
    return loaded


def check(configuration: Object, endpoint: str) -> None:
    """What the kubelet refuses to start with. Raises StartError."""
    swaps = machine.swaps()
    if configuration.get("failSwapOn", True) and swaps:
        raise StartError(
            f"failed to run Kubelet: running with swap on is not supported, please disable swap or set "
            f"--fail-swap-on flag to false. /proc/swaps contained: {swaps}"
        )
    if configuration.get("failCgroupV1", True) and not machine.has_cgroup_v2():
        log.warning(CGROUP_V1)
    problem = machine.cri_problem(endpoint)
    if problem:
        raise StartError(
            f"failed to run Kubelet: validate service connection: validate CRI v1 runtime API for "
            f'endpoint "{endpoint}": rpc error: code = Unavailable desc = connection error: desc = '
            f'"transport: Error while dialing: {problem}"'
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; pods go on without the kubelet. Exit status 1 when it cannot start."""
    flags = parse(sys.argv[1:] if arguments is None else arguments)
    if flags.version:
        print(f"Kubernetes {kubernetes_version()}")
        return 0
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        run(flags, stopped)
    except (StartError, bootstrap.BootstrapError, kubeconfig.KubeconfigError, OSError) as error:
        log.error("command failed", err=error)
        return 1
    return 0


def run(flags: argparse.Namespace, stopped: threading.Event) -> None:
    """Start everything and wait for `stopped`."""
    configuration = load(flags.config)
    endpoint = (
        flags.container_runtime_endpoint or configuration.get("containerRuntimeEndpoint") or f"unix://{CRI_SOCKET}"
    )
    check(configuration, endpoint)
    sandbox.forget_leases()
    for folder in FOLDERS:
        real(f"{KUBELET}/{folder}").mkdir(parents=True, exist_ok=True)
    name = (flags.hostname_override or machine.hostname()).strip().lower()
    address = flags.node_ip or machine.default_address()
    if address not in machine.addresses():
        raise StartError(f"failed to run Kubelet: node IP: {address!r} not found in the host's network interfaces")
    log.info("Kubelet version", kubeletVersion=kubernetes_version(), standIn="pods are processes of this machine")
    node = Node(name, address, configuration)
    client_ca = (
        configuration.get("authentication", {}).get("x509", {}).get("clientCAFile", "/etc/kubernetes/pki/ca.crt")
    )
    port = int(configuration.get("healthzPort", 10248))
    server.serve_health(configuration.get("healthzBindAddress", "127.0.0.1"), port)
    server.serve_logs(int(configuration.get("port", 10250)), client_ca, name, address)
    manager = Manager(node)
    reporter = Reporter(node, endpoint, taints(flags.register_with_taints), labels(flags.node_labels))
    login = threading.Thread(target=_log_in, args=(flags, node, reporter), name="node", daemon=True)
    login.start()
    pods = threading.Thread(target=manager.run, name="manager", daemon=True)
    pods.start()
    stopped.wait()
    reporter.stop()
    manager.stop()
    pods.join(5)


def _log_in(flags: argparse.Namespace, node: Node, reporter: Reporter) -> None:
    """Static pods must run before there is an API, so the credential is got beside them."""
    try:
        node.api = bootstrap.credential(flags.kubeconfig, flags.bootstrap_kubeconfig, node.name, node.address)
    except (bootstrap.BootstrapError, kubeconfig.KubeconfigError, OSError) as error:
        log.error("command failed", err=error)
        os._exit(1)
    reporter.run()


def taints(text: str) -> list[Object]:
    """`key=value:Effect,...`"""
    result = []
    for entry in filter(None, text.split(",")):
        pair, _, effect = entry.rpartition(":")
        key, _, value = pair.partition("=")
        result.append({"key": key, "effect": effect, **({"value": value} if value else {})})
    return result


def labels(text: str) -> dict[str, str]:
    """`key=value,...`"""
    return dict(entry.split("=", 1) for entry in filter(None, text.split(",")))


if __name__ == "__main__":
    sys.exit(main())
