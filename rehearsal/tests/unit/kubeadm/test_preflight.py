"""Every check refuses its own thing with kubeadm's name for it, and nothing else is refused."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.kubeadm import preflight
from rehearsal.kubernetes.kubeadm.config import InitSettings, load_join
from rehearsal.kubernetes.kubeadm.output import CommandError
from rehearsal.kubernetes.node import machine
from rehearsal.tests.unit.kubeadm.conftest import JOIN

Damage = Callable[[Path, pytest.MonkeyPatch], Any]


def test_a_machine_in_order_passes(settings: InitSettings) -> None:
    preflight.run(preflight.init_checks(settings))


def test_a_worker_in_order_passes_with_static_pods_and_without_iptables(
    written: Callable[[str], str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kubeadm 1.36 has it."""
    _file(root / "etc/kubernetes/manifests/own.yaml")
    _without("iptables")(root, monkeypatch)
    preflight.run(preflight.join_checks(load_join(written(JOIN), {})))


def _without(program: str) -> Damage:
    def damage(root: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(shutil, "which", lambda name: None if name == program else name)

    return damage


def _file(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


DAMAGES: dict[str, tuple[Damage, str]] = {
    "swap": (
        lambda root, patch: patch.setattr(machine, "swaps", lambda: ["/dev/dm-1"]),
        "[ERROR Swap]: running with swap on is not supported. Please disable swap",
    ),
    "forwarding": (
        lambda root, patch: (root / "proc/sys/net/ipv4/ip_forward").write_text("0\n"),
        "[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1",
    ),
    "br_netfilter": (
        lambda root, patch: patch.setattr(machine, "has_module", lambda name: name != "br_netfilter"),
        "[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]: "
        "/proc/sys/net/bridge/bridge-nf-call-iptables does not exist",
    ),
    "overlay": (
        lambda root, patch: patch.setattr(machine, "has_module", lambda name: name != "overlay"),
        "[ERROR SystemVerification]: missing required kernel module: overlay",
    ),
    "runtime": (
        lambda root, patch: patch.setattr(machine, "cri_problem", lambda endpoint: "dial unix x: connection refused"),
        "[ERROR CRI]: could not connect: failed to create new CRI runtime service",
    ),
    "cpus": (
        lambda root, patch: patch.setattr(machine, "cpus", lambda: 1),
        "[ERROR NumCPU]: the number of available CPUs 1 is less than the required 2",
    ),
    "memory": (
        lambda root, patch: patch.setattr(machine, "memory_kib", lambda: 1 << 20),
        "[ERROR Mem]: the system RAM (1024 MB) is less than the minimum 1700 MB",
    ),
    "user": (
        lambda root, patch: patch.setattr(os, "geteuid", lambda: 1000),
        "[ERROR IsPrivilegedUser]: user is not running as root",
    ),
    "etcd": (
        lambda root, patch: _file(root / "var/lib/etcd/member"),
        "[ERROR DirAvailable--var-lib-etcd]: /var/lib/etcd is not empty",
    ),
    "manifest": (
        lambda root, patch: _file(root / "etc/kubernetes/manifests/etcd.yaml"),
        "[ERROR FileAvailable--etc-kubernetes-manifests-etcd.yaml]: /etc/kubernetes/manifests/etcd.yaml already exists",
    ),
    "address": (
        lambda root, patch: patch.setattr(machine, "addresses", lambda: ["10.9.9.9"]),
        "[ERROR AdvertiseAddress]: 10.1.0.12 is not an address of this machine",
    ),
    "program": (_without("losetup"), "[ERROR FileExisting-losetup]: losetup not found in system path"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_init_refuses(name: str, settings: InitSettings, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage, message = DAMAGES[name]
    damage(root, monkeypatch)
    with pytest.raises(CommandError) as caught:
        preflight.run(preflight.init_checks(settings))
    text = str(caught.value)
    assert message in text
    assert text.count("[ERROR ") == 1
    assert "[preflight] Some fatal errors occurred:" in text


@pytest.mark.network
def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen(1)
        number = taken.getsockname()[1]
        findings = list(preflight.port_is_free(number))
    assert [(f.check, f.message) for f in findings] == [(f"Port-{number}", f"Port {number} is in use")]


def test_a_joined_machine_does_not_join_again(written: Callable[[str], str], root: Path) -> None:
    settings = load_join(written(JOIN), {})
    for name in ("kubelet.conf", "pki/ca.crt"):
        (root / "etc/kubernetes" / name).parent.mkdir(exist_ok=True)
        (root / "etc/kubernetes" / name).touch()
    with pytest.raises(CommandError) as caught:
        preflight.run(preflight.join_checks(settings))
    assert "[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists" in str(
        caught.value
    )
    assert "[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]" in str(caught.value)


def test_swap_only_warns_where_the_kubelet_tolerates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "swaps", lambda: ["/dev/dm-1"])
    assert [finding.fatal for finding in preflight.swap_is_off({"failSwapOn": False})] == [False]
