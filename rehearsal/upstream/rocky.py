"""The stand-in RPMs of Rocky Linux: what kickstarts and roles name, each revealing or marking what it stands for.

A package is a table row: the units it ships, its own configuration files, the accounts it makes, what it needs. The
programs come from `hidden`. A name that is not in a table here is unknown to dnf, as a misspelt package would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rehearsal.upstream.hidden import HIDDEN, STORE
from rehearsal.upstream.rpm import Package

HERE = Path(__file__).parent
UNIT_DIR = "/usr/lib/systemd/system"
# The line that the roles ask for; the program revealed is Debian 12's 1.6, and `containerd --version` says so.
CONTAINERD_VERSION = "2.2.1"


@dataclass(frozen=True)
class Row:
    """What a package of this name has besides its hidden programs."""

    version: str
    units: tuple[str, ...] = ()
    configs: tuple[tuple[str, str], ...] = ()  # (absolute path, file below files/)
    account: str | None = None
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()  # units that Rocky's presets switch on


BASE_OS: dict[str, Row] = {
    "NetworkManager": Row(
        "1.54.0",
        ("NetworkManager.service", "NetworkManager-wait-online.service"),
        enable=("NetworkManager.service", "NetworkManager-wait-online.service"),
    ),
    "bash": Row("5.1.8", provides=("/bin/sh", "/usr/bin/sh", "/bin/bash")),
    "bash-completion": Row("2.11"),
    "ca-certificates": Row("2025.2.80"),
    "chrony": Row(
        "4.6.1",
        ("chronyd.service",),
        (("/etc/chrony.conf", "chrony.conf"),),
        "chrony",
        enable=("chronyd.service",),
    ),
    "coreutils": Row("8.32"),
    "curl": Row("7.76.1"),
    "diffutils": Row("3.7"),
    "dnf": Row("4.14.0"),
    "e2fsprogs": Row("1.46.5"),
    "ethtool": Row("6.15"),
    "firewalld": Row("1.3.4", ("firewalld.service",), requires=("nftables",), enable=("firewalld.service",)),
    "gdisk": Row("1.0.7"),
    "glibc": Row("2.34"),
    "gnupg2": Row("2.3.3"),
    "hostname": Row("3.23"),
    "iproute": Row("6.14.0"),
    "iproute-tc": Row("6.14.0", requires=("iproute",)),
    "iptables-nft": Row("1.8.10", provides=("iptables",)),
    "iputils": Row("20210202"),
    "jq": Row("1.6"),
    "kernel": Row("5.14.0"),
    "kernel-modules-extra": Row("5.14.0"),
    "kmod": Row("28"),
    "less": Row("590"),
    "lsof": Row("4.94.0"),
    "nfs-utils": Row(
        "2.5.4",
        ("nfs-server.service",),
        (("/usr/libexec/rehearsal-nfs-server", "nfs-server"),),
        requires=("rpcbind",),
    ),
    "nftables": Row("1.0.9"),
    "openssh": Row("9.9p1"),
    "openssh-clients": Row("9.9p1", requires=("openssh",)),
    "openssh-server": Row(
        "9.9p1", ("sshd.service", "sshd-keygen.service"), requires=("openssh",), enable=("sshd.service",)
    ),
    "openssl": Row("3.5.1"),
    "parted": Row("3.5"),
    "policycoreutils": Row("3.6"),
    "procps-ng": Row("3.3.17"),
    "psmisc": Row("23.4"),
    "python3": Row("3.9.23"),
    "python3-libselinux": Row("3.6"),
    "rocky-release": Row("9.7", configs=(("/etc/yum.repos.d/rocky.repo", "rocky.repo"),)),
    "rootfiles": Row("8.1"),
    "rpcbind": Row("1.2.6"),
    "rsync": Row("3.2.5"),
    "sudo": Row("1.9.17"),
    "systemd": Row("252"),
    "tar": Row("1.34"),
    "util-linux": Row("2.37.4"),
    "vim-minimal": Row("8.2.2637"),
    "xfsprogs": Row("6.4.0"),
    "xz": Row("5.2.5"),
}

APP_STREAM: dict[str, Row] = {
    "conntrack-tools": Row("1.4.7"),
    "container-selinux": Row("2.240.0"),
    "dnsmasq": Row("2.90", ("dnsmasq.service",), (("/etc/dnsmasq.conf", "dnsmasq.conf"),), "dnsmasq"),
    "hyperv-daemons": Row("0", ("hypervkvpd.service",), enable=("hypervkvpd.service",)),
    "nginx": Row("1.26.3", ("nginx.service",), (("/etc/nginx/nginx.conf", "nginx.conf"),), "nginx"),
    "policycoreutils-python-utils": Row("3.6"),
    "python3-policycoreutils": Row("3.6"),
    "python3.11": Row("3.11.13"),
    "python3.11-pip": Row("22.3.1", requires=("python3.11",)),
    "python3.12": Row("3.12.11"),
    "python3.12-pip": Row("23.2.1", requires=("python3.12",)),
    "socat": Row("1.7.4.1"),
    "tcpdump": Row("4.99.0"),
    "unzip": Row("6.0"),
}

CONTAINERD: dict[str, Row] = {
    "containerd.io": Row(
        CONTAINERD_VERSION,
        ("containerd.service",),
        (("/etc/containerd/config.toml", "containerd.toml"),),
        requires=("container-selinux",),
    ),
}

# What `@^minimal-environment` and `@core` bring: the mandatory packages of Rocky's group that anything here relies on.
CORE = (
    "NetworkManager", "bash", "ca-certificates", "coreutils", "curl", "dnf", "e2fsprogs", "firewalld", "glibc",
    "hostname", "iproute", "iputils", "kernel", "kmod", "less", "openssh-clients", "openssh-server",
    "policycoreutils", "procps-ng", "python3", "rocky-release", "rootfiles", "sudo", "systemd", "util-linux",
    "vim-minimal", "xfsprogs",
)  # fmt: skip


def packages(table: dict[str, Row]) -> list[Package]:
    """The packages of one repository."""
    return [_package(name, row) for name, row in table.items()]


def _package(name: str, row: Row) -> Package:
    files: dict[str, bytes | Path] = {f"{UNIT_DIR}/{unit}": HERE / "units" / unit for unit in row.units}
    files.update({path: HERE / "files" / file for path, file in row.configs})
    files[f"/usr/share/rehearsal/packages/{name}"] = f"{name} {row.version}: stand-in\n".encode()
    links = {path: STORE + path for path in HIDDEN.get(name, ())}
    modes = {path: 0o755 for path in files if path.startswith("/usr/libexec/")}
    summary = f"Stand-in for Rocky's {name}"
    return Package(name, row.version, summary, files, modes, links, row.requires, row.provides, _script(row))


def _script(row: Row) -> str:
    """What the real package does after its files are there: its account, and the units that the presets enable."""
    lines = []
    if row.account:
        lines.append(f"getent passwd {row.account} > /dev/null || useradd --system --shell /sbin/nologin {row.account}")
    lines += [f'[ "$1" -gt 1 ] || systemctl --no-reload enable {unit} > /dev/null 2>&1 || true' for unit in row.enable]
    return "\n".join(lines)


def comps() -> str:
    """The group file that gives dnf and Anaconda `@core` and `@^minimal-environment`."""
    required = "".join(f'<packagereq type="mandatory">{name}</packagereq>' for name in CORE)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">\n'
        "<comps><group><id>core</id><name>Core</name><description>Smallest possible installation</description>"
        f"<default>false</default><uservisible>false</uservisible><packagelist>{required}</packagelist></group>"
        "<environment><id>minimal-environment</id><name>Minimal Install</name>"
        "<description>Basic functionality.</description>"
        "<display_order>3</display_order><grouplist><groupid>core</groupid></grouplist><optionlist/></environment></comps>\n"
    )
