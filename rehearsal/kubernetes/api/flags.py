"""Command lines: the real components' flags, of which some act and the listed others are accepted without effect."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

# The others of kubeadm's manifests: without effect here.
IGNORED = {
    "apiserver": """allow-privileged authorization-mode enable-admission-plugins enable-bootstrap-token-auth etcd-cafile
        etcd-certfile etcd-keyfile kubelet-preferred-address-types proxy-client-cert-file proxy-client-key-file
        requestheader-allowed-names requestheader-client-ca-file requestheader-extra-headers-prefix
        requestheader-group-headers requestheader-username-headers service-account-key-file""",
    "controller-manager": """authentication-kubeconfig authorization-kubeconfig client-ca-file cluster-name leader-elect
        requestheader-client-ca-file service-account-private-key-file service-cluster-ip-range
        use-service-account-credentials""",
    "scheduler": "authentication-kubeconfig authorization-kubeconfig leader-elect",
    "etcd": """advertise-client-urls cert-file client-cert-auth initial-advertise-peer-urls initial-cluster key-file
        listen-peer-urls name peer-cert-file peer-client-cert-auth peer-key-file peer-trusted-ca-file snapshot-count
        trusted-ca-file""",
}
DEFAULTS = {
    "apiserver": {
        "advertise-address": "",
        "bind-address": "0.0.0.0",
        "secure-port": "6443",
        "client-ca-file": "",
        "tls-cert-file": "",
        "tls-private-key-file": "",
        "kubelet-client-certificate": "",
        "kubelet-client-key": "",
        "service-cluster-ip-range": "10.96.0.0/12",
        "service-node-port-range": "30000-32767",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-signing-key-file": "",
        "etcd-servers": "",
        "etcd-data-dir": "/var/lib/etcd",
        "kubernetes-version": "v1.36.4",
    },
    "controller-manager": {
        "kubeconfig": "",
        "bind-address": "127.0.0.1",
        "secure-port": "10257",
        "allocate-node-cidrs": "false",
        "cluster-cidr": "",
        "node-cidr-mask-size": "24",
        "cluster-signing-cert-file": "",
        "cluster-signing-key-file": "",
        "cluster-signing-duration": "8760h0m0s",
        "root-ca-file": "",
        "controllers": "*",
        "node-monitor-grace-period": "40s",
    },
    "scheduler": {"kubeconfig": "", "bind-address": "127.0.0.1", "secure-port": "10259"},
    "etcd": {
        "data-dir": "/var/lib/etcd",
        "listen-client-urls": "https://127.0.0.1:2379",
        "listen-metrics-urls": "http://127.0.0.1:2381",
    },
}
REQUIRED = {
    "apiserver": ("client-ca-file", "tls-cert-file", "tls-private-key-file"),
    "controller-manager": ("kubeconfig",),
    "scheduler": ("kubeconfig",),
    "etcd": (),
}


_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class FlagError(Exception):
    """A command line that the real component would refuse, or that this stand-in does not know."""


@dataclass
class Flags:
    """The flags of one role. A flag that was not given has its default."""

    role: str
    values: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values[name]

    def number(self, name: str) -> int:
        return int(self.values[name])

    def truth(self, name: str) -> bool:
        return self.values[name] == "true"

    def path(self, name: str) -> Path | None:
        return Path(self.values[name]) if self.values[name] else None

    def seconds(self, name: str) -> float:
        """A Go duration such as 40s, 1m30s or 8760h0m0s."""
        return seconds(self.values[name])


def seconds(text: str) -> float:
    """Seconds in a Go duration made of h, m, s and ms; FlagError when it is none."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise FlagError(f'invalid duration "{text}"')
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def parse(role: str, arguments: list[str]) -> Flags:
    """The flags of `role`; FlagError names the first one that is unknown, has no value, or is missing."""
    known, ignored = DEFAULTS[role], {*IGNORED[role].split()}
    values = dict(known)
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in known.keys() | ignored:
            raise FlagError(f"unknown flag: {word.partition('=')[0]}")
        if not equals and rest and not rest[0].startswith("--"):
            value, equals = rest.pop(0), "="
        values[name] = value if equals else "true"
    for name in REQUIRED[role]:
        if not values[name]:
            raise FlagError(f"--{name} is required")
    return Flags(role, {name: values[name] for name in known})


def fail(role: str, error: FlagError) -> int:
    """Report a bad command line as the real components do; the exit code."""
    sys.stderr.write(f"Error: {error}\nstand-in {role}: see rehearsal_api/flags.py for the flags it takes\n")
    return 2
