"""Whose programs are the control plane of these tests: the stand-in's, or the real ones of a folder.

LAB_KUBERNETES_BIN names a folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler. They run as
plain processes on loopback, and need no root. Without it the stand-in runs.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

API = Path(__file__).parents[3] / "kubernetes/api"
VARIABLE = "LAB_KUBERNETES_BIN"
REAL = {
    "etcd": "etcd",
    "apiserver": "kube-apiserver",
    "controller-manager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def real_folder() -> Path | None:
    """The folder that LAB_KUBERNETES_BIN names; it must hold the whole control plane."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).absolute()
    missing = [name for name in REAL.values() if not os.access(folder / name, os.X_OK)]
    assert not missing, f"{VARIABLE}={named} lacks {', '.join(missing)}; docs/proof.md says how to fetch them"
    return folder


class StandIn:
    """The project's own imitation: three roles of one package, and a store in a folder."""

    first: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        # The package runs under the name that it has on a machine, out of a folder with nothing else in it.
        (folder / "lib").mkdir()
        (folder / "lib/rehearsal_api").symlink_to(API)
        self._folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder / "lib")}

    def __str__(self) -> str:
        return f"the stand-in ({VARIABLE} names no real one)"

    def argv(self, role: str) -> list[str]:
        own = {"apiserver": [f"--etcd-data-dir={self._folder}/etcd"]}
        return [sys.executable, "-m", "rehearsal_api", role, *own.get(role, [])]


class Real:
    """The real programs, with the flags beside the common ones that kubeadm or a loopback alone makes necessary."""

    first = ("etcd",)

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._etcd, self._peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.environment = dict(os.environ)

    def __str__(self) -> str:
        told = subprocess.run(
            [self._programs / REAL["apiserver"], "--version"], capture_output=True, text=True, check=True, timeout=60
        )
        return f"the real {told.stdout.strip()} of {self._programs}"

    def argv(self, role: str) -> list[str]:
        flags = {
            "etcd": self._etcd_flags,
            "apiserver": self._apiserver_flags,
            "controller-manager": self._controller_manager_flags,
            "scheduler": self._scheduler_flags,
        }
        return [str(self._programs / REAL[role]), *flags[role]()]

    def _etcd_flags(self) -> list[str]:
        return [
            "--name=default",
            f"--data-dir={self._folder}/etcd",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}",
            f"--listen-peer-urls={self._peer}",
            f"--initial-advertise-peer-urls={self._peer}",
            f"--initial-cluster=default={self._peer}",
            "--unsafe-no-fsync=true",  # no test cuts the power of the computer that it runs on
        ]

    def _apiserver_flags(self) -> list[str]:
        pki = self._folder / "pki"
        return [
            f"--etcd-servers={self._etcd}",
            "--bind-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # it refuses an advertised address of loopback
            "--allow-privileged=true",
            "--enable-admission-plugins=NodeRestriction",
            "--enable-bootstrap-token-auth=true",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki}/sa.key",
        ]

    def _controller_manager_flags(self) -> list[str]:
        return [
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self._folder}/pki/sa.key",
            "--node-monitor-period=1s",  # it must be shorter than the grace period
        ]

    def _scheduler_flags(self) -> list[str]:
        return ["--bind-address=127.0.0.1", "--leader-elect=false"]
