"""A machine that kubeadm finds nothing wrong with, in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.kubernetes.kubeadm import preflight
from rehearsal.kubernetes.kubeadm.config import InitSettings, load_init
from rehearsal.kubernetes.node import machine

INIT = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.1.0.12}
nodeRegistration:
  name: cp1
  kubeletExtraArgs:
    - {name: node-ip, value: 10.1.0.12}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: 1.36.4
clusterName: lab
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}
apiServer:
  certSANs: [192.0.2.101, api.lab]
"""
JOIN = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    token: abcdef.0123456789abcdef
    apiServerEndpoint: 10.1.0.12:6443
    caCertHashes: ["sha256:%s"]
nodeRegistration: {name: w1}
""" % ("0" * 64)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder before every path of the machine: modules and sysctls as they should be, a runtime that answers."""
    monkeypatch.setenv("LAB_STANDIN_ROOT", str(tmp_path / "root"))
    place = tmp_path / "root"
    for name, value in (("bridge/bridge-nf-call-iptables", "1"), ("ipv4/ip_forward", "1")):
        (place / "proc/sys/net" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "proc/sys/net" / name).write_text(f"{value}\n")
    monkeypatch.setattr(machine, "swaps", list)
    monkeypatch.setattr(machine, "cpus", lambda: 2)
    monkeypatch.setattr(machine, "memory_kib", lambda: 4 << 20)
    monkeypatch.setattr(machine, "has_module", lambda name: True)
    monkeypatch.setattr(machine, "cri_problem", lambda endpoint: None)
    monkeypatch.setattr(machine, "addresses", lambda: ["127.0.0.1", "10.1.0.12"])
    monkeypatch.setattr(machine, "default_address", lambda: "10.1.0.12")
    monkeypatch.setattr(machine, "output", lambda *command, **options: "")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "port_is_free", lambda port: iter(()))
    monkeypatch.setattr(preflight, "hostname", lambda name: iter(()))
    return place


@pytest.fixture
def written(root: Path) -> Callable[[str], str]:
    """Write a configuration file on the machine; its path there."""

    def write(text: str) -> str:
        file = root / "etc/kubernetes/config.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return "/etc/kubernetes/config.yaml"

    return write


@pytest.fixture
def settings(written: Callable[[str], str]) -> InitSettings:
    """The settings of INIT."""
    return load_init(written(INIT))
