"""What the network boot is made of, as text: pure functions of the lab's description, held by golden files."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.description.lab import Lab, Machine
from labkit.pxe import images
from labkit.render import render

EVERY_MACHINE = (
    "chrony", "curl", "firewalld", "hyperv-daemons", "NetworkManager", "openssh-server", "policycoreutils-python-utils",
    "python3", "python3-libselinux", "rsync", "sudo", "tar",
)  # fmt: skip
# kernel-modules-extra holds br_netfilter and its relatives from Rocky 10 on.
NODE = (
    "conntrack-tools",
    "container-selinux",
    "ethtool",
    "gnupg2",
    "iproute-tc",
    "kernel-modules-extra",
    "nfs-utils",
    "socat",
)
STORAGE = ("nfs-utils", "xfsprogs")
BOOTSTRAP = ("dnsmasq", "nginx")
# ansible-core 2.19 needs Python 3.11 or newer: Rocky 9's own is 3.9, Rocky 10's is 3.12.
ANSIBLE_PYTHON = {9: ("python3.12", "python3.12-pip"), 10: ("python3-pip",)}

# Where the bootstrap server's nginx gives itself what it fetches ahead (a port that SELinux leaves to web servers).
PREFETCH = "127.0.0.1:8008"


@dataclass(frozen=True)
class HostKey:
    """An SSH host key made beforehand: the private file's text and the public line."""

    private: str
    public: str


def packages(lab: Lab, machine: Machine) -> list[str]:
    """The RPMs that a machine's roles need from the kickstart, sorted."""
    names = set(EVERY_MACHINE)
    if machine.is_node:
        names.update(NODE)
    if "storage" in machine.roles:
        names.update(STORAGE)
    if "bootstrap" in machine.roles:
        names.update(BOOTSTRAP, ANSIBLE_PYTHON[lab.rocky.release])
    return sorted(names, key=str.lower)


def kickstart(lab: Lab, machine: Machine, public_key: str, host_key: HostKey | None = None) -> str:
    """The kickstart of a machine; with `host_key` the one of the bootstrap server, installed from the DVD by itself."""
    return render(
        "kickstart.cfg.j2",
        lab=lab,
        machine=machine,
        server=lab.bootstrap.mgmt.address,
        direct=machine == lab.bootstrap,
        public_key=public_key,
        host_key=host_key,
        packages=packages(lab, machine),
        time_servers=lab.rocky.time_servers,
    )


def grub_dispatcher(lab: Lab) -> str:
    """The grub.cfg that every machine reads first."""
    return render("grub.cfg.j2", lab=lab, machines=lab.installed_by_network)


def grub_install(lab: Lab, machine: Machine) -> str:
    """A machine's own GRUB file while it is armed."""
    return render("grub-install.cfg.j2", lab=lab, machine=machine, server=lab.bootstrap.mgmt.address)


def grub_local(lab: Lab, machine: Machine) -> str:
    """A machine's own GRUB file while it is not armed."""
    return render("grub-local.cfg.j2", lab=lab, machine=machine)


def services(lab: Lab) -> dict[str, str]:
    """The configuration of the services on the bootstrap server, by the name that pxe-services.sh knows."""
    tree_url = lab.rocky.tree_url.rstrip("/") if lab.rocky.tree_url else None
    values = {"lab": lab, "server": lab.bootstrap.mgmt.address, "mgmt": lab.mgmt}
    kept: dict[str, object] = {"tree_url": tree_url, "packages": repositories(lab), "zones": zones(lab)}
    kept |= {"registries": images.REGISTRIES, "images": images.repositories(lab), "prefetch": PREFETCH}
    return {
        "dnsmasq.conf": render("dnsmasq.conf.j2", machines=lab.installed_by_network, **values),
        "nginx.conf": render("nginx.conf.j2", **kept, **values),
        "lab-mgmt.xml": render("firewalld-mgmt.xml.j2", **values),
        "srv-lab-rocky.mount": render("srv-lab-rocky.mount.j2", **values),
        "lab.logrotate": render("lab.logrotate.j2", **values),
    }


def repositories(lab: Lab) -> dict[str, str]:
    """The sources of packages that Rocky has not, by the name under which the bootstrap server passes them on."""
    sources = lab.sources
    return {
        "kubernetes": sources.kubernetes_packages_url.rstrip("/"),
        "containerd": sources.containerd_packages_url.rstrip("/"),
    }


def zones(lab: Lab) -> dict[str, str]:
    """What the bootstrap server keeps of others' files: folders in /var/cache/lab, and how large they may become."""
    return {"packages": "30g"} | ({"tree": "20g"} if lab.rocky.tree_url else {})


def environment(lab: Lab) -> str:
    """The env file of the scripts in /opt/lab/scripts."""
    return render(
        "pxe.env.j2",
        lab=lab,
        server=lab.bootstrap.mgmt.address,
        packages=packages(lab, lab.bootstrap),
        tree_url=lab.rocky.tree_url.rstrip("/") if lab.rocky.tree_url else None,
        pairs=[f"{machine.name}={machine.mgmt.mac_dashed}" for machine in lab.installed_by_network],
        reservations=[f"{machine.mgmt.mac}={machine.mgmt.address}" for machine in lab.installed_by_network],
    )
