"""What must hold between addresses and MACs, and the ranges that they lie in. Pure; rules yield all they find."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from labkit.description.lab import Network, derive_networks, interface_of
from labkit.description.models import AddressRange, LabModel, MachineModel
from labkit.description.source import KeyPath, Problem

LARGEST_POOL = 64  # lab.check calls each of its addresses


def external_addresses_fit(model: LabModel) -> Iterator[Problem]:
    """EXTERNAL's gateway and every machine's address, counted from the first one, lie in its range."""
    cidr = model.external.cidr
    for key in ("gateway", "first_address"):
        value = getattr(model.external, key)
        if value not in cidr:
            yield Problem(("external", key), f"{value} is not in {cidr}", f"name an address of {cidr}")
    first, count = model.external.first_address, max(machine.number for machine in model.machines)
    if first in cidr and int(first) + count - 1 >= int(cidr.broadcast_address):
        message = f"{count} addresses are needed from {first} on; {cidr} ends before"
        yield Problem(("external", "first_address"), message, "name a lower one, or a larger range")


def gateway_is_no_host(model: LabModel) -> Iterator[Problem]:
    """Without NAT the way out is the room's router, no PC of the lab."""
    for name, host in model.hosts.items():
        if host.address == str(model.external.gateway) and not model.external.nat:
            message = f"{host.address} is host {name}'s address"
            yield Problem(("external", "gateway"), message, "name the room's router (`ipconfig` on that PC shows it)")


def address_pool_is_apart(model: LabModel) -> Iterator[Problem]:
    """The addresses for Services lie in EXTERNAL's range and are nobody else's; each is called by `lab.check`."""
    pool, cidr, path = model.external.address_pool, model.external.cidr, ("external", "address_pool")
    if pool is None:
        return
    if len(pool) not in range(1, LARGEST_POOL + 1):
        yield Problem(path, f"{pool} holds {len(pool)} addresses", f"name 1 to {LARGEST_POOL}, the lower end first")
    elif not all(end in cidr and end not in (cidr.network_address, cidr.broadcast_address) for end in _ends(pool)):
        yield Problem(path, f"{pool} does not lie in {cidr}", f"name a range of {cidr}")
    else:
        taken = next((who for address, who in _others_on_external(model) if address in pool), None)
        if taken:
            yield Problem(path, f"{pool} holds {taken}", "name a range that is free, and no machine's")


def _ends(pool: AddressRange) -> tuple[IPv4Address, IPv4Address]:
    return pool.first, pool.last


def _others_on_external(model: LabModel) -> Iterator[tuple[IPv4Address, str]]:
    """Who has an address of EXTERNAL, or gets one when a machine with the next numbers is described."""
    yield model.external.gateway, "the gateway"
    for address in model.external.nameservers:
        yield address, f"the name server {address}"
    for name, host in model.hosts.items():
        if lies_in(host.address, model.external.cidr):
            yield IPv4Address(host.address), f"host {name}"
    for _, machine, network, address in _addresses(model):
        if network.name == "external":
            yield address, f"{machine.name}'s address {address}"


def addresses_are_unique(model: LabModel) -> Iterator[Problem]:
    """No two machines, hosts, or the gateway have one address."""
    taken = {str(model.external.gateway): "the gateway"}
    taken.update({host.address: f"host {name}" for name, host in model.hosts.items()})
    for path, machine, network, address in _addresses(model):
        owner = taken.setdefault(str(address), machine.name)
        if owner != machine.name:
            message = f"{machine.name}'s {network.name} address {address} is {owner}'s already"
            yield Problem(path, message, "choose addresses that are free")


def addresses_are_usable(model: LabModel) -> Iterator[Problem]:
    """MGMT's and INTERNAL's addresses lie in their ranges and are a machine's to have."""
    for path, machine, network, address in _addresses(model):
        cidr = network.cidr
        if network.name == "external":
            continue
        if address not in cidr or address in (cidr.network_address, cidr.broadcast_address):
            message = f"{machine.name}'s {network.name} address {address} is not usable in {cidr}"
            yield Problem(path, message, "choose another one, or a larger range")


def _addresses(model: LabModel) -> Iterator[tuple[KeyPath, MachineModel, Network, IPv4Address]]:
    """Every address of every machine and where it comes from; not those that follow from a mistake told elsewhere."""
    misplaced = {"external"} if any(external_addresses_fit(model)) else set()
    for index, machine, has_own_number in _numbered(model):
        for network in derive_networks(model):
            is_written = network.name == "mgmt" and machine.address is not None
            if is_written or (has_own_number and network.name not in misplaced):
                path: KeyPath = ("machines", index, "address" if is_written else "number")
                yield path, machine, network, interface_of(model, machine, network).address


def _numbered(model: LabModel) -> Iterator[tuple[int, MachineModel, bool]]:
    """Each machine, and whether it is the first with its number."""
    seen: set[int] = set()
    for index, machine in enumerate(model.machines):
        yield index, machine, machine.number not in seen
        seen.add(machine.number)


def macs_follow_the_plan(model: LabModel) -> Iterator[Problem]:
    """MGMT's MACs may be written out; DHCP and GRUB know only those that begin as this lab's do."""
    prefix = f"02:{model.id[:2]}:{model.id[2:]}:01:"
    for index, machine in enumerate(model.machines):
        if machine.mac is not None and not machine.mac.startswith(prefix):
            message = f"{machine.mac} is outside this lab's plan ({prefix}..)"
            yield Problem(("machines", index, "mac"), message, "remove the key: MACs follow from lab.id")


def macs_are_unique(model: LabModel) -> Iterator[Problem]:
    """DHCP tells machines apart by MGMT's MAC."""
    mgmt, taken = derive_networks(model)[0], dict[str, str]()
    for index, machine, has_own_number in _numbered(model):
        if machine.mac is not None or has_own_number:
            mac = interface_of(model, machine, mgmt).mac
            owner = taken.setdefault(mac, machine.name)
            if owner != machine.name:
                path: KeyPath = ("machines", index, "mac")
                yield Problem(path, f"{mac} is machine {owner}'s MAC already", "remove mac: it follows from lab.id")


def lies_in(address: str, cidr: IPv4Network) -> bool:
    """Whether a host's address, which may be a name, is one of that range."""
    try:
        return IPv4Address(address) in cidr
    except ValueError:
        return False
