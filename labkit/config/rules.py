"""What must hold between keys: names, numbers, addresses, roles, hosts. Pure; each rule yields every problem it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from itertools import combinations

from labkit.config.models import LabModel
from labkit.config.source import KeyPath, Problem
from labkit.lab import derive_networks, interface_of


def check(model: LabModel) -> list[Problem]:
    """Every problem of a model whose single values are all right, in the order of the rules."""
    return [problem for rule in RULES for problem in rule(model)]


def names_and_numbers_are_unique(model: LabModel) -> Iterator[Problem]:
    for key in ("name", "number"):
        seen: dict[object, int] = {}
        for index, machine in enumerate(model.machines):
            value = getattr(machine, key)
            if value in seen:
                first = model.machines[seen[value]].name
                yield Problem(("machines", index, key), f"{value!r} is taken by machine {first} already", f"give each machine a {key} of its own")
            seen.setdefault(value, index)


def hosts_exist(model: LabModel) -> Iterator[Problem]:
    for index, machine in enumerate(model.machines):
        if machine.host not in model.hosts:
            known = ", ".join(model.hosts)
            yield Problem(("machines", index, "host"), f"there is no host {machine.host!r}", f"name one of: {known}")


def host_addresses_are_unique(model: LabModel) -> Iterator[Problem]:
    seen: dict[tuple[str, int | None], str] = {}
    for name, host in model.hosts.items():
        first = seen.setdefault((host.address, host.port), name)
        if first != name:
            yield Problem(("hosts", name, "address"), f"{host.address} is host {first}'s address already", "give each host its own address")


def roles_are_filled(model: LabModel) -> Iterator[Problem]:
    for role in ("bootstrap", "control_plane"):
        holders = [index for index, machine in enumerate(model.machines) if role in machine.roles]
        if not holders:
            yield Problem(("machines",), f"no machine has the role {role}", f"give exactly one machine the role {role}")
        for index in holders[1:]:
            first = model.machines[holders[0]].name
            yield Problem(("machines", index, "roles"), f"{role} is {first}'s role already", f"this lab has exactly one {role}")
    storages = [index for index, machine in enumerate(model.machines) if "storage" in machine.roles]
    for index in storages[1:]:
        yield Problem(("machines", index, "roles"), f"storage is {model.machines[storages[0]].name}'s role already", "at most one machine has it")


def data_disks_follow_storage(model: LabModel) -> Iterator[Problem]:
    for index, machine in enumerate(model.machines):
        if "storage" in machine.roles and machine.data_disk_gb is None:
            yield Problem(("machines", index, "data_disk_gb"), "a storage machine needs a data disk", "add data_disk_gb, such as 50")
        if "storage" not in machine.roles and machine.data_disk_gb is not None:
            yield Problem(("machines", index, "data_disk_gb"), "only a storage machine has a data disk", "remove data_disk_gb, or add the role storage")


def networks_do_not_overlap(model: LabModel) -> Iterator[Problem]:
    mgmt, internal, external = derive_networks(model)
    ranges: list[tuple[KeyPath, IPv4Network]] = [
        (("networks", "mgmt", "cidr"), mgmt.cidr),
        (("networks", "internal", "cidr"), internal.cidr),
        (("external", "cidr"), external.cidr),
        (("kubernetes", "pod_cidr"), model.kubernetes.pod_cidr),
        (("kubernetes", "service_cidr"), model.kubernetes.service_cidr),
    ]
    for (path, left), (other, right) in combinations(ranges, 2):
        if left.overlaps(right):
            yield Problem(other, f"{right} overlaps {'.'.join(map(str, path))} ({left})", "choose ranges that do not overlap")


def vlans_differ(model: LabModel) -> Iterator[Problem]:
    mgmt, internal, _ = derive_networks(model)
    if mgmt.vlan is not None and mgmt.vlan == internal.vlan:
        yield Problem(("networks", "internal", "vlan"), f"{internal.vlan} is MGMT's VLAN already", "give each network a VLAN of its own")


def external_addresses_fit(model: LabModel) -> Iterator[Problem]:
    for key in ("gateway", "first_address"):
        if getattr(model.external, key) not in model.external.cidr:
            value = getattr(model.external, key)
            yield Problem(("external", key), f"{value} is not in {model.external.cidr}", f"name an address of {model.external.cidr}")


def machine_addresses_fit(model: LabModel) -> Iterator[Problem]:
    taken: dict[object, str] = {model.external.gateway: "the gateway"}
    taken.update({host.address: f"host {name}" for name, host in model.hosts.items()})
    for index, machine in enumerate(model.machines):
        for network in derive_networks(model):
            address = interface_of(model, machine, network).address
            written = network.name == "mgmt" and machine.address is not None
            key: KeyPath = ("machines", index, "address" if written else "number")
            if address not in network.cidr or address == network.cidr.broadcast_address:
                yield Problem(key, f"{machine.name}'s {network.name} address {address} is not usable in {network.cidr}", "choose another number or a larger range")
            owner = taken.get(address) or taken.get(str(address))
            if owner:
                yield Problem(key, f"{machine.name}'s {network.name} address {address} is {owner}'s already", "choose addresses that are free")
            taken.setdefault(address, machine.name)


def macs_follow_the_plan(model: LabModel) -> Iterator[Problem]:
    prefix = f"02:{model.id[:2]}:{model.id[2:]}:01:"
    taken: dict[str, str] = {}
    for index, machine in enumerate(model.machines):
        mac = interface_of(model, machine, derive_networks(model)[0]).mac
        if not mac.startswith(prefix):
            yield Problem(("machines", index, "mac"), f"{mac} is outside this lab's plan ({prefix}..)", "remove the key: MACs follow from lab.id")
        if mac in taken:
            yield Problem(("machines", index, "mac"), f"{mac} is machine {taken[mac]}'s MAC already", "remove the key: MACs follow from lab.id")
        taken.setdefault(mac, machine.name)


RULES: tuple[Callable[[LabModel], Iterator[Problem]], ...] = (
    names_and_numbers_are_unique,
    hosts_exist,
    host_addresses_are_unique,
    roles_are_filled,
    data_disks_follow_storage,
    networks_do_not_overlap,
    vlans_differ,
    external_addresses_fit,
    machine_addresses_fit,
    macs_follow_the_plan,
)
