"""The Kubernetes packages of the rehearsal: stand-ins under the names, paths and versions of pkgs.k8s.io.

kubectl is the real program. Everything else is Python below /usr/lib/rehearsal, the same files in the packages kubeadm
and kubelet (rpm takes equal files of two packages), started by small scripts that know their package's version.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rehearsal.kubernetes.images import table
from rehearsal.upstream.rpm import Package

HERE = Path(__file__).parent
PROGRAMS = "/usr/lib/rehearsal"
HIDDEN = f"{PROGRAMS}/hidden"
UNITS = "/usr/lib/systemd/system"
NODE_SIDE = ("node", "kubeadm", "images")
CNI_VERSION = "1.9.1"
CNI_PLUGINS = (
    "bandwidth",
    "bridge",
    "dhcp",
    "firewall",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "ptp",
    "sbr",
    "static",
    "tuning",
    "vlan",
    "vrf",
)

KUBELET_SERVICE = """\
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10
# The stand-in's pods are its own children: they outlive it as containers outlive the real kubelet.
KillMode=process

[Install]
WantedBy=multi-user.target
"""
KUBEADM_DROP_IN = """\
# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig={bootstrap} --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# This is a file that "kubeadm init" and "kubeadm join" generate at runtime, populating KUBELET_KUBEADM_ARGS
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# This is a file that the user can use for overrides of the kubelet args as a last resort.
EnvironmentFile=-/etc/sysconfig/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
""".replace("{bootstrap}", "/etc/kubernetes/bootstrap-kubelet.conf")
NOTE = (
    "kubeadm, the kubelet and the API server are stand-ins: they check and refuse as the real ones, and pods are "
    "processes of their machine.\n"
)


NO_CRICTL = b"""#!/bin/sh
echo 'crictl: a stand-in of the rehearsal that serves nothing: pods are processes of this machine, see ps' >&2
exit 1
"""


def packages(version: str, kubectl: Path) -> dict[str, list[Package]]:
    """The repository `kubernetes` for `version` (such as 1.36.4) and, to test pins with, for the patch before it."""
    older = earlier_patch(version)
    versions = [older, version] if older else [version]
    built = [package for each in versions for package in _of_version(each, kubectl)]
    return {"kubernetes": [*built, _cri_tools(version), _cni()]}


def earlier_patch(version: str) -> str | None:
    """1.36.3 for 1.36.4; None for a first release."""
    line, _, patch = version.rpartition(".")
    return f"{line}.{int(patch) - 1}" if int(patch) > 0 else None


def program(module: str, version: str, *words: str) -> bytes:
    """A script that runs a module of the stand-in as its own package's version."""
    arguments = " ".join([*words, '"$@"'])
    return (
        f"#!/bin/sh\n# A stand-in of the rehearsal.\nexport PYTHONPATH={PROGRAMS} LAB_STANDIN_VERSION={version}\n"
        f"exec /usr/bin/python3 -m {module} {arguments}\n"
    ).encode()


def tree() -> Iterator[tuple[str, bytes]]:
    """The Python of the machines: this package's node-side parts, and the API server under its own name."""
    for path in ("rehearsal/__init__.py", "rehearsal/kubernetes/__init__.py"):
        yield f"{PROGRAMS}/{path}", b'"""Shipped to machines of the rehearsal."""\n'
    for part in NODE_SIDE:
        yield from _folder(HERE / part, f"{PROGRAMS}/rehearsal/kubernetes/{part}")
    yield from _folder(HERE / "api", f"{PROGRAMS}/rehearsal_api")


def _folder(source: Path, target: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(source.rglob("*")):
        if file.suffix in (".py", ".yaml") and "__pycache__" not in file.parts:
            yield f"{target}/{file.relative_to(source)}", file.read_bytes()


def _of_version(version: str, kubectl: Path) -> list[Package]:
    shared = dict(tree())
    return [_kubelet(version, shared), _kubeadm(version, shared), _kubectl(version, kubectl)]


def _kubelet(version: str, shared: dict[str, bytes]) -> Package:
    images = list(table.files())
    own = {
        "/usr/bin/kubelet": program("rehearsal.kubernetes.node.kubelet", version),
        f"{UNITS}/kubelet.service": KUBELET_SERVICE.encode(),
        "/etc/sysconfig/kubelet": b"KUBELET_EXTRA_ARGS=\n",
        "/etc/lab/notes.d/kubernetes": NOTE.encode(),
    }
    return Package(
        name="kubelet",
        version=version,
        summary="Node agent for Kubernetes clusters (a stand-in of the rehearsal)",
        files={**shared, **{path: content for path, content, _ in images}, **own},
        modes={"/usr/bin/kubelet": 0o755, **{path: mode for path, _, mode in images}},
        links={f"{PROGRAMS}/images/nginx/rootfs/usr/sbin/nginx": f"{HIDDEN}/usr/sbin/nginx"},
        requires=("kubernetes-cni >= 1.2.0",),
        post="mkdir -p /var/lib/kubelet /etc/kubernetes/manifests",
    )


def _kubeadm(version: str, shared: dict[str, bytes]) -> Package:
    own = {
        "/usr/bin/kubeadm": program("rehearsal.kubernetes.kubeadm", version),
        f"{UNITS}/kubelet.service.d/10-kubeadm.conf": KUBEADM_DROP_IN.encode(),
    }
    return Package(
        name="kubeadm",
        version=version,
        summary="Command-line utility for administering a Kubernetes cluster (a stand-in)",
        files={**shared, **own},
        modes={"/usr/bin/kubeadm": 0o755},
    )


def _kubectl(version: str, program_file: Path) -> Package:
    return Package(
        name="kubectl",
        version=version,
        summary="Command-line utility for interacting with a Kubernetes cluster (the real one)",
        files={"/usr/bin/kubectl": program_file},
        modes={"/usr/bin/kubectl": 0o755},
    )


def _cri_tools(version: str) -> Package:
    """crictl has versions of its own: the minor's first."""
    return Package(
        name="cri-tools",
        version=f"{version.rpartition('.')[0]}.0",
        summary="Command-line utility for interacting with a container runtime (a stand-in)",
        files={"/usr/bin/crictl": NO_CRICTL},
        modes={"/usr/bin/crictl": 0o755},
    )


def _cni() -> Package:
    links = {f"/opt/cni/bin/{name}": f"/usr/lib/cni/{name}" for name in CNI_PLUGINS}
    return Package(
        name="kubernetes-cni",
        version=CNI_VERSION,
        summary="Binaries required to provision container networking",
        links=links,
    )
