"""What must hold between keys: names, numbers, addresses, roles, hosts. Pure; each rule yields every problem it finds.

One mistake gives one problem: what follows from a number that is taken twice, say, is not told again as addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, ip_address
from itertools import combinations
from urllib.parse import urlsplit

from labkit.description.addresses import (
    address_pool_is_apart,
    addresses_are_unique,
    addresses_are_usable,
    external_addresses_fit,
    gateway_is_no_host,
    lies_in,
    macs_are_unique,
    macs_follow_the_plan,
)
from labkit.description.lab import derive_networks
from labkit.description.models import LabModel
from labkit.description.source import KeyPath, Problem

Rule = Callable[[LabModel], Iterator[Problem]]

ROLES = (("bootstrap", True, True), ("control_plane", True, True), ("worker", True, False), ("storage", False, True))
"""Each role: whether a lab needs it, and whether one machine alone has it."""
CONTROL_PLANE_CPUS = 2
NETWORK_INSTALL_MB = 3072
NODE_MASK = 24  # of each node's part of pod_cidr; kube-controller-manager's own
LARGEST_PODS, LARGEST_SERVICES, SMALLEST_SERVICES = NODE_MASK - 16, 12, 28
NO_WORKER = "give one the role worker, such as [control_plane, worker]: pods run there"


def check(model: LabModel, *, id_is_known: bool = True) -> list[Problem]:
    """Every problem of a model whose single values are all right, in the order of the rules.

    `id_is_known` False: a stand-in fills the id's place, and rules about what follows from the id are left out.
    """
    rules = RULES + RULES_ABOUT_THE_ID if id_is_known else RULES
    return [problem for rule in rules for problem in rule(model)]


def names_and_numbers_are_unique(model: LabModel) -> Iterator[Problem]:
    """Names tell machines apart for people, numbers for MACs and addresses."""
    for key in ("name", "number"):
        seen: set[object] = set()
        for index, machine in enumerate(model.machines):
            value = getattr(machine, key)
            if value in seen:
                message = f"another machine has the {key} {value!r} already"
                yield Problem(("machines", index, key), message, f"give each machine a {key} of its own")
            seen.add(value)


def hosts_exist(model: LabModel) -> Iterator[Problem]:
    """Every machine lies on a host that is described."""
    for index, machine in enumerate(model.machines):
        if machine.host not in model.hosts:
            known = ", ".join(model.hosts)
            yield Problem(("machines", index, "host"), f"there is no host {machine.host!r}", f"name one of: {known}")


def host_addresses_are_unique(model: LabModel) -> Iterator[Problem]:
    """Two hosts are two PCs; by port, so that one address may lead to both."""
    seen: dict[tuple[str, int | None], str] = {}
    for name, host in model.hosts.items():
        first = seen.setdefault((host.address, host.port), name)
        if first != name:
            message = f"{host.address} is host {first}'s address already"
            yield Problem(("hosts", name, "address"), message, "give each host its own address")


def hosts_are_reached_by_ipv4(model: LabModel) -> Iterator[Problem]:
    """Links, kickstarts and the proof of the way between PCs are of IPv4."""
    for name, host in model.hosts.items():
        if ":" in host.address and _is_address(host.address.strip("[]")):
            fix = "write the PC's IPv4 address, or its name"
            yield Problem(("hosts", name, "address"), f"{host.address} is of IPv6", fix)


def basic_is_for_https(model: LabModel) -> Iterator[Problem]:
    """Basic sends the password itself, and only TLS encrypts it."""
    for name, host in model.hosts.items():
        if host.auth == "basic" and host.scheme == "http":
            message = "over http Basic shows everybody the password"
            yield Problem(("hosts", name, "auth"), message, "remove it, or `scheme: http`")


def roles_are_filled(model: LabModel) -> Iterator[Problem]:
    """One bootstrap server, one control plane, workers, at most one storage server."""
    for role, is_needed, is_single in ROLES:
        holders = [index for index, machine in enumerate(model.machines) if role in machine.roles]
        if not holders and is_needed:
            fix = f"give exactly one machine the role {role}" if is_single else NO_WORKER
            yield Problem(("machines",), f"no machine has the role {role}", fix)
        for index in holders[1:] if is_single else ():
            first = model.machines[holders[0]].name
            yield Problem(("machines", index, "roles"), f"{role} is {first}'s role already", f"keep one {role}")


def bootstrap_stands_alone(model: LabModel) -> Iterator[Problem]:
    """It is kept when the other machines are thrown away, so it has no part of what is made anew with them.

    Its firewall differs, too: network boot on MGMT, and SSH on EXTERNAL, which is the one way into the lab.
    """
    for index, machine in enumerate(model.machines):
        others = sorted(set(machine.roles) - {"bootstrap"})
        if "bootstrap" in machine.roles and others:
            message = f"the bootstrap server is kept when the others are made anew, so it cannot be {others[0]} too"
            yield Problem(("machines", index, "roles"), message, f"give {', '.join(others)} to another machine")


def control_plane_suffices(model: LabModel) -> Iterator[Problem]:
    """What kubeadm's own checks ask for (kubeadm/app/constants: ControlPlaneNumCPU).

    Its ControlPlaneMem (1700 MB) is less than what the installer takes.
    """
    for index, machine in enumerate(model.machines):
        if "control_plane" in machine.roles and machine.cpus < CONTROL_PLANE_CPUS:
            message = f"kubeadm makes no control plane with less than {CONTROL_PLANE_CPUS}"
            yield Problem(("machines", index, "cpus"), message, f"give it {CONTROL_PLANE_CPUS} at least")


def installers_have_memory(model: LabModel) -> Iterator[Problem]:
    """All but the bootstrap server are installed over the network: their installer's image is kept in their memory.

    The least that osinfo-db names for such an installation of RHEL 9. From its DVD the bootstrap server needs less.
    """
    for index, machine in enumerate(model.machines):
        if "bootstrap" not in machine.roles and machine.memory_mb < NETWORK_INSTALL_MB:
            message = (
                "it is installed over the network, with the installer's image (1.3 GB) in its memory, "
                f"and needs {NETWORK_INSTALL_MB}"
            )
            yield Problem(("machines", index, "memory_mb"), message, f"give it {NETWORK_INSTALL_MB} at least")


def data_disks_follow_storage(model: LabModel) -> Iterator[Problem]:
    """The NFS server keeps its data on a disk of its own, and nobody else has one."""
    for index, machine in enumerate(model.machines):
        path: KeyPath = ("machines", index, "data_disk_gb")
        if "storage" in machine.roles and machine.data_disk_gb is None:
            yield Problem(path, "a storage machine needs a data disk", "add data_disk_gb, such as 50")
        if "storage" not in machine.roles and machine.data_disk_gb is not None:
            yield Problem(path, "only a storage machine has a data disk", "remove it, or add the role storage")


def kept_sources_prove_a_name(model: LabModel) -> Iterator[Problem]:
    """What the bootstrap server fetches for all: nginx compares a certificate with names, never with addresses."""
    written = {
        ("sources", "kubernetes_packages_url"): model.sources.kubernetes_packages_url,
        ("sources", "containerd_packages_url"): model.sources.containerd_packages_url,
        ("rocky", "tree_url"): model.rocky.tree_url or "",
    }
    for path, url in written.items():
        parts = urlsplit(url)
        if parts.scheme == "https" and _is_address(parts.hostname or ""):
            message = f"nginx accepts no certificate for the address {parts.hostname}, only for a name"
            yield Problem(path, message, "write the server's name, or http:// if that server is trusted")


def registries_have_a_certificate_to_skip(model: LabModel) -> Iterator[Problem]:
    """Plain http proves nothing: whoever asks for less has the other address in mind."""
    for name, registry in model.sources.registries.items():
        if registry.skip_verify and (registry.url or "").startswith("http:"):
            path: KeyPath = ("sources", "registries", name, "skip_verify")
            yield Problem(path, "over http there is no certificate to check", "remove it, or write https://")


def pod_mtu_has_somebody_to_set_it(model: LabModel) -> Iterator[Problem]:
    """The size of pods' packets is the pod network's to set."""
    if model.kubernetes.pod_mtu is not None and model.kubernetes.cni == "none":
        message = "with cni none nothing of the lab's sets it"
        yield Problem(("kubernetes", "pod_mtu"), message, "remove it, and set it where you install your pod network")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def cluster_ranges_have_a_size_that_kubeadm_takes(model: LabModel) -> Iterator[Problem]:
    """As kubeadm's own validation (apis/kubeadm/validation: ValidatePodSubnetNodeMask, ValidateServiceSubnetSize)."""
    pods, services = model.kubernetes.pod_cidr, model.kubernetes.service_cidr
    nodes = sum(bool({"control_plane", "worker"} & set(machine.roles)) for machine in model.machines)
    parts = 2 ** (NODE_MASK - pods.prefixlen) if pods.prefixlen <= NODE_MASK else 0
    if nodes > parts:
        wanted = IPv4Network((pods.network_address, NODE_MASK - (nodes - 1).bit_length()), strict=False)
        message = f"each of {nodes} nodes gets a /{NODE_MASK} of it, and there are {parts}"
        yield Problem(("kubernetes", "pod_cidr"), message, f"write {wanted} or larger")
    if pods.prefixlen < LARGEST_PODS:
        yield Problem(("kubernetes", "pod_cidr"), f"kubeadm takes at most a /{LARGEST_PODS}", "name a smaller range")
    if not LARGEST_SERVICES <= services.prefixlen <= SMALLEST_SERVICES:
        message = f"kubeadm takes a /{LARGEST_SERVICES} to a /{SMALLEST_SERVICES}"
        yield Problem(("kubernetes", "service_cidr"), message, "such as 10.96.0.0/16")


def written_ranges_do_not_overlap(model: LabModel) -> Iterator[Problem]:
    """Ranges that stand in the file, against each other."""
    written = [(path, cidr) for path, cidr, is_derived in _ranges(model) if not is_derived]
    for (path, left), (other, right) in combinations(written, 2):
        yield from _overlap(path, left, other, right)


def derived_ranges_do_not_overlap(model: LabModel) -> Iterator[Problem]:
    """MGMT's and INTERNAL's range, where they follow from the id, against the written ones: those can be changed."""
    ranges = _ranges(model)
    for path, left, is_derived in ranges:
        for other, right, is_derived_too in ranges:
            if is_derived and not is_derived_too:
                yield from _overlap(path, left, other, right)


def _ranges(model: LabModel) -> list[tuple[KeyPath, IPv4Network, bool]]:
    """Each range of addresses, where it is written, and whether it is not written but follows from the id."""
    mgmt, internal, external = derive_networks(model)
    return [
        (("networks", "mgmt", "cidr"), mgmt.cidr, model.networks.mgmt.cidr == "auto"),
        (("networks", "internal", "cidr"), internal.cidr, model.networks.internal.cidr == "auto"),
        (("external", "cidr"), external.cidr, False),
        (("kubernetes", "pod_cidr"), model.kubernetes.pod_cidr, False),
        (("kubernetes", "service_cidr"), model.kubernetes.service_cidr, False),
    ]


def _overlap(path: KeyPath, left: IPv4Network, other: KeyPath, right: IPv4Network) -> Iterator[Problem]:
    if left.overlaps(right):
        message = f"{right} overlaps {'.'.join(map(str, path))} ({left})"
        yield Problem(other, message, "choose ranges that do not overlap")


def vlans_differ(model: LabModel) -> Iterator[Problem]:
    """MGMT and INTERNAL share a switch: one VLAN for both would join them."""
    mgmt, internal, _ = derive_networks(model)
    if mgmt.vlan is not None and mgmt.vlan == internal.vlan:
        message = f"{internal.vlan} is MGMT's VLAN already"
        yield Problem(("networks", "internal", "vlan"), message, "give each network a VLAN of its own")


def switches_fit_the_hosts(model: LabModel) -> Iterator[Problem]:
    """A Private switch ends at its PC, and an Internal one at the PC that translates: neither reaches a second PC."""
    if len(model.hosts) > 1:
        fix = "remove it, or describe one host"
        if model.private_switch is not None:
            yield Problem(("private_switch",), "a Private switch does not reach another PC", fix)
        if model.external.nat:
            yield Problem(("external", "nat"), "machines behind NAT are not reached from another PC", fix)
    if model.private_switch == model.switch:
        message = f"{model.switch} is EXTERNAL's switch already"
        yield Problem(("private_switch",), message, "give each switch a name of its own")


def nat_leads_out(model: LabModel) -> Iterator[Problem]:
    """Behind NAT that PC is the router: EXTERNAL is no range of its own LAN, and it answers no name queries."""
    outside = model.external
    if not outside.nat:
        return
    if not outside.nameservers:
        fix = "name a name server that the PC reaches: the room's router, or 1.1.1.1"
        yield Problem(("external", "nameservers"), "Windows' NAT answers no name queries", fix)
    for name, host in model.hosts.items():
        if lies_in(host.address, outside.cidr) and host.address != str(outside.gateway):
            message = f"{host.address} lies behind the NAT ({outside.cidr})"
            fix = "127.0.0.1 does, or its LAN address; external.cidr is a range that no LAN of it has"
            yield Problem(("hosts", name, "address"), message, fix)


RULES: tuple[Rule, ...] = (
    names_and_numbers_are_unique,
    hosts_exist,
    host_addresses_are_unique,
    hosts_are_reached_by_ipv4,
    basic_is_for_https,
    roles_are_filled,
    bootstrap_stands_alone,
    control_plane_suffices,
    installers_have_memory,
    data_disks_follow_storage,
    kept_sources_prove_a_name,
    cluster_ranges_have_a_size_that_kubeadm_takes,
    registries_have_a_certificate_to_skip,
    pod_mtu_has_somebody_to_set_it,
    written_ranges_do_not_overlap,
    vlans_differ,
    switches_fit_the_hosts,
    nat_leads_out,
    external_addresses_fit,
    gateway_is_no_host,
    address_pool_is_apart,
    addresses_are_unique,
    macs_are_unique,
)
RULES_ABOUT_THE_ID: tuple[Rule, ...] = (
    derived_ranges_do_not_overlap,
    addresses_are_usable,
    macs_follow_the_plan,
)
