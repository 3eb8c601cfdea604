"""A control plane on loopback, stand-in or real, with a PKI of its own, and the real kubectl in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.tests.integration.kubernetes_api.pki import Pki
from rehearsal.tests.integration.kubernetes_api.programs import Real, StandIn, free_port, real_folder

ADMINS = "kubeadm:cluster-admins"
BINDINGS = Path(__file__).parent / "bindings.yaml"
DEADLINE_S = 30.0
GRACE = "3s"


def find_kubectl() -> Path | None:
    """The real kubectl: beside the interpreter that runs the tests, else on the PATH."""
    found = shutil.which("kubectl", path=sysconfig.get_path("scripts")) or shutil.which("kubectl")
    return Path(found) if found else None


def eventually(check: Callable[[], Any], timeout_s: float = DEADLINE_S) -> Any:
    """The first true answer of `check`; fails with the last one after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while not (last := check()):
        assert time.monotonic() < end, f"never became true within {timeout_s} s; last: {last!r}"
        time.sleep(0.1)
    return last


class ControlPlane:
    """Starts and stops the processes; `kubectl` runs the real program as an administrator."""

    def __init__(self, folder: Path, kubectl: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.pki = Pki(folder / "pki")
        self.admin = self.pki.kubeconfig("admin", self.server, "kubernetes-admin", (ADMINS,))
        self.super_admin = self.pki.kubeconfig(
            "super-admin", self.server, "kubernetes-super-admin", ("system:masters",)
        )
        self._kubectl = kubectl
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        programs = real_folder()
        self.programs = Real(folder, programs) if programs else StandIn(folder)
        self._prepare()

    def _prepare(self) -> None:
        self.pki.issue("apiserver", "kube-apiserver")
        self.pki.issue("kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",))
        self.pki.kubeconfig("manager", self.server, "system:kube-controller-manager")
        self.pki.kubeconfig("scheduler", self.server, "system:kube-scheduler")

    def start_all(self) -> ControlPlane:
        self.start_server()
        self.bind_admins()
        pki = self.pki.folder
        self._start(
            "controller-manager",
            f"--kubeconfig={pki}/manager.conf",
            "--allocate-node-cidrs=true",
            "--cluster-cidr=10.244.0.0/16",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            f"--root-ca-file={pki}/ca.crt",
            "--controllers=*,bootstrapsigner,tokencleaner",
            f"--node-monitor-grace-period={GRACE}",
            f"--secure-port={free_port()}",
        )
        self._start("scheduler", f"--kubeconfig={pki}/scheduler.conf", f"--secure-port={free_port()}")
        eventually(lambda: self.try_kubectl("get", "serviceaccount", "default").returncode == 0)
        return self

    def bind_admins(self) -> None:
        """What `kubeadm init` binds with super-admin.conf. A real server makes its namespaces after it is ready."""
        apply = ("apply", "--server-side", f"--filename={BINDINGS}")
        eventually(lambda: self.try_kubectl(*apply, kubeconfig=self.super_admin).returncode == 0)

    def start_server(self) -> None:
        for role in self.programs.first:
            if role not in self._processes:
                self._start(role)
        pki = self.pki.folder
        self._start(
            "apiserver",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--kubelet-client-certificate={pki}/kubelet-client.crt",
            f"--kubelet-client-key={pki}/kubelet-client.key",
            f"--service-account-signing-key-file={pki}/sa.key",
            "--service-cluster-ip-range=10.96.0.0/12",
            "--authorization-mode=Node,RBAC",
        )
        eventually(lambda: self.try_kubectl("get", "--raw=/readyz").returncode == 0)

    def _start(self, role: str, *flags: str) -> None:
        argv = [*self.programs.argv(role), *flags]
        with (self.folder / f"{role}.log").open("ab") as log:
            self._processes[role] = subprocess.Popen(
                argv, env=self.programs.environment, stdout=log, stderr=log, cwd=self.folder
            )

    def kill(self, role: str) -> None:
        """As a power cut does it: no chance to write anything."""
        self._processes[role].kill()
        self._processes.pop(role).wait()

    def cpu_seconds(self) -> float:
        """Processor time that the processes have used so far."""
        ticks = 0
        for process in self._processes.values():
            fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def try_kubectl(
        self, *arguments: str, stdin: str = "", kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig or self.admin), "HOME": str(self.folder)}
        return subprocess.run(
            [self._kubectl, *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def kubectl(self, *arguments: str, stdin: str = "", kubeconfig: Path | None = None) -> str:
        """What kubectl prints; it must succeed, and must not warn."""
        done = self.try_kubectl(*arguments, stdin=stdin, kubeconfig=kubeconfig)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        assert "arning" not in done.stderr, done.stderr
        return done.stdout

    def apply(self, manifest: str, kubeconfig: Path | None = None) -> None:
        """Apply a manifest as the product applies everything: on the server's side."""
        self.kubectl("apply", "--server-side", "--filename=-", stdin=manifest, kubeconfig=kubeconfig)

    def apply_object(self, kind: str, name: str, namespace: str = "", **rest: Any) -> None:
        """Apply an object of the core group."""
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        self.apply(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest}))

    def deploy(self, name: str, namespace: str, replicas: int) -> None:
        """Apply a Deployment whose pods stand for a web server."""
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1.29"}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": namespace}
        self.apply(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}))

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "-o", "json"))
