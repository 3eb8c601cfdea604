"""The checks before anything is changed, with kubeadm's own names and words.

Stricter than kubeadm 1.36 in three places, where the real failure comes later and is hard to read: swap (there a
warning, then a kubelet that does not start), br_netfilter (no longer looked at, then a CNI that fails) and overlay.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rehearsal.kubernetes.node import machine
from rehearsal.kubernetes.node.paths import STATIC_PODS, real

from .output import CommandError, say, warn

BRIDGE = "/proc/sys/net/bridge/bridge-nf-call-iptables"
FORWARD = "/proc/sys/net/ipv4/ip_forward"
KUBELET_PORT = 10250
MINIMUM_MEMORY_MB = 1700
MANDATORY = ("cp", "losetup", "mount")


@dataclass(frozen=True)
class Finding:
    """What one check has to say; only errors stop kubeadm."""

    check: str
    message: str
    fatal: bool = True


Check = Iterable[Finding]


def run(checks: Iterable[Check]) -> None:
    """Print warnings; raise CommandError with all errors."""
    errors = []
    for finding in (finding for check in checks for finding in check):
        if finding.fatal:
            errors.append(f"\t[ERROR {finding.check}]: {finding.message}")
        else:
            warn(f"\t[WARNING {finding.check}]: {finding.message}")
    if errors:
        text = "\n".join(["[preflight] Some fatal errors occurred:", *errors])
        advice = (
            "[preflight] If you know what you are doing, you can make a check non-fatal with "
            "`--ignore-preflight-errors=...`"
        )
        raise CommandError(
            f"error execution phase preflight: {text}\n{advice}\nTo see the stack trace of this error execute with "
            f"--v=5 or higher"
        )


def init_checks(settings: Any) -> list[Check]:
    """What must hold before `init`, in kubeadm's order; `settings` is an InitSettings."""
    files = [
        f"{STATIC_PODS}/{name}.yaml" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    ]
    etcd = settings.cluster["etcd"].get("local", {}).get("dataDir", "/var/lib/etcd")
    return [
        is_root(),
        cpus(),
        memory(),
        *(port_is_free(number) for number in (settings.port, 10259, 10257)),
        *(file_is_absent(file) for file in files),
        *common_checks(settings.node_name, settings.init["nodeRegistration"]["criSocket"], settings.kubelet),
        firewalld([settings.port, KUBELET_PORT]),
        *(port_is_free(number) for number in (2379, 2380)),
        directory_is_empty(etcd),
        address_is_here(settings.address),
    ]


def join_checks(settings: dict[str, Any]) -> list[Check]:
    """What must hold before `join`."""
    registration = settings["nodeRegistration"]
    return [
        is_root(),
        *(file_is_absent(file) for file in ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/bootstrap-kubelet.conf")),
        *common_checks(registration["name"], registration["criSocket"], {}),
        file_is_absent(settings["caCertPath"]),
    ]


def common_checks(node_name: str, cri_socket: str, kubelet: dict[str, Any]) -> list[Check]:
    """What holds for every node."""
    return [
        runtime_answers(cri_socket),
        file_says_one(BRIDGE, needs="br_netfilter"),
        file_says_one(FORWARD),
        modules(),
        swap_is_off(kubelet),
        programs(),
        cgroups(kubelet),
        hostname(node_name),
        service("kubelet"),
        port_is_free(KUBELET_PORT),
    ]


def is_root() -> Check:
    if os.geteuid() != 0:
        yield Finding("IsPrivilegedUser", "user is not running as root")


def cpus() -> Check:
    if machine.cpus() < 2:
        yield Finding("NumCPU", f"the number of available CPUs {machine.cpus()} is less than the required 2")


def memory() -> Check:
    actual = machine.memory_kib() // 1024
    if actual < MINIMUM_MEMORY_MB:
        yield Finding("Mem", f"the system RAM ({actual} MB) is less than the minimum {MINIMUM_MEMORY_MB} MB")


def port_is_free(port: int) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                yield Finding(f"Port-{port}", f"Port {port} is in use")


def file_is_absent(path: str) -> Check:
    if real(path).exists():
        yield Finding("FileAvailable-" + path.replace("/", "-"), f"{path} already exists")


def directory_is_empty(path: str) -> Check:
    folder = real(path)
    if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        yield Finding("DirAvailable-" + path.replace("/", "-"), f"{path} is not empty")


def runtime_answers(endpoint: str) -> Check:
    problem = machine.cri_problem(endpoint)
    if problem:
        why = (
            f"could not connect: failed to create new CRI runtime service: validate service connection: validate "
            f'CRI v1 runtime API for endpoint "{endpoint}"'
        )
        yield Finding(
            "CRI",
            f'{why}: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: '
            f'{problem}"',
        )


def file_says_one(path: str, needs: str | None = None) -> Check:
    name = "FileContent-" + path.replace("/", "-")
    file = real(path)
    if not file.exists() or (needs and not machine.has_module(needs)):
        yield Finding(name, f"{path} does not exist")
    elif file.read_bytes()[:1] != b"1":
        yield Finding(name, f"{path} contents are not set to 1")


def modules() -> Check:
    if not machine.has_module("overlay"):
        yield Finding("SystemVerification", "missing required kernel module: overlay")


def swap_is_off(kubelet: dict[str, Any]) -> Check:
    if not machine.swaps():
        return
    if kubelet.get("failSwapOn", True):
        yield Finding("Swap", "running with swap on is not supported. Please disable swap")
    else:
        yield Finding(
            "Swap",
            "swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap",
            fatal=False,
        )


def programs() -> Iterator[Finding]:
    for name in MANDATORY:
        if shutil.which(name) is None:
            yield Finding(f"FileExisting-{name}", f"{name} not found in system path")


def cgroups(kubelet: dict[str, Any]) -> Check:
    """A shared kernel may be one with cgroup v1; that is the host's doing, so it is named and not refused."""
    if not machine.has_cgroup_v2() and kubelet.get("failCgroupV1", True):
        text = (
            "cgroups v1 support is deprecated and will be removed in a future release (this machine shares its "
            "host's kernel)"
        )
        yield Finding("SystemVerification", text, fatal=False)


def hostname(name: str) -> Check:
    try:
        socket.getaddrinfo(name, None)
    except OSError as error:
        yield Finding("Hostname", f'hostname "{name}" could not be reached', fatal=False)
        yield Finding("Hostname", f'hostname "{name}": lookup {name}: {error.strerror or error}', fatal=False)


def service(name: str) -> Check:
    state = machine.output("systemctl", "show", "--property=LoadState,UnitFileState", f"{name}.service")
    if state and "LoadState=loaded" not in state:
        yield Finding(f"Service-{name}", f"{name} service does not exist", fatal=False)
    elif state and "UnitFileState=enabled" not in state:
        text = f"{name} service is not enabled, please run 'systemctl enable {name}.service'"
        yield Finding(f"Service-{name}", text, fatal=False)


def firewalld(ports: list[int]) -> Check:
    if machine.output("systemctl", "is-active", "firewalld").strip() == "active":
        listed = " ".join(map(str, ports))
        text = (
            f"firewalld is active, please ensure ports [{listed}] are open or your cluster may not function correctly"
        )
        yield Finding("Firewalld", text, fatal=False)


def address_is_here(address: str) -> Check:
    """The real program learns this from etcd, which cannot bind to an address of another machine."""
    if address not in machine.addresses():
        yield Finding(
            "AdvertiseAddress", f"{address} is not an address of this machine, so etcd and the API server cannot use it"
        )


def announce(command: str) -> None:
    say("[preflight] Running pre-flight checks")
    if command == "init":
        say("[preflight] Pulling images required for setting up a Kubernetes cluster")
        say("[preflight] This might take a minute or two, depending on the speed of your internet connection")
        say("[preflight] You can also perform this action beforehand using 'kubeadm config images pull'")
