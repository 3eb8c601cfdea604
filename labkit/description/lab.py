"""The lab as everything else sees it: what was written, and all that follows from it.

Everything here is frozen and pure. MAC addresses are `02:<id>:<network>:00:<machine>`, locally administered unicast;
the VLANs and the subnets of MGMT and INTERNAL follow from the id too, so that two labs in one room cannot meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from labkit.description.models import (
    AddressRange,
    HostModel,
    KubernetesModel,
    LabModel,
    MachineModel,
    NetworkModel,
    RockyModel,
    Role,
    SourcesModel,
    TimeoutsModel,
)

NetworkName = Literal["mgmt", "internal", "external"]
Scheme = Literal["http", "https"]
Auth = Literal["ntlm", "basic"]  # how the account proves itself to WinRM
SwitchType = Literal["External", "Internal", "Private"]  # Hyper-V's words
NETWORKS: tuple[NetworkName, ...] = ("mgmt", "internal", "external")
WINRM_PORTS: dict[Scheme, int] = {"http": 5985, "https": 5986}
FIRST_HOST_PART = 10  # a machine's address in MGMT and INTERNAL ends in this plus its number


@dataclass(frozen=True)
class Network:
    """One of the three networks. `number` stands in the MACs; `vlan` None means untagged."""

    name: NetworkName
    number: int
    cidr: IPv4Network
    vlan: int | None
    gateway: IPv4Address | None = None
    nameservers: tuple[IPv4Address, ...] = ()


@dataclass(frozen=True)
class Switch:
    """A virtual switch that each host of the lab has, and the networks on it.

    External: on the PC's wired adapter. Private: for the VMs of one PC alone. Internal: for them and that PC, which has
    EXTERNAL's gateway address on it and translates addresses (NAT).
    """

    name: str
    type: SwitchType
    networks: tuple[NetworkName, ...]


@dataclass(frozen=True)
class Interface:
    """A machine's adapter on one network; `mac` in lower case with colons."""

    network: Network
    mac: str
    address: IPv4Address

    @property
    def mac_digits(self) -> str:
        """The MAC as Hyper-V writes it: twelve upper-case hex digits."""
        return self.mac.replace(":", "").upper()

    @property
    def mac_dashed(self) -> str:
        """The MAC as file names have it."""
        return self.mac.replace(":", "-")


@dataclass(frozen=True)
class Machine:
    """A virtual machine as described."""

    name: str
    number: int
    host: str
    vm_name: str
    roles: tuple[Role, ...]
    cpus: int
    memory_mb: int
    disk_gb: int
    data_disk_gb: int | None
    mgmt: Interface
    internal: Interface
    external: Interface

    @property
    def interfaces(self) -> tuple[Interface, Interface, Interface]:
        """Its adapters: mgmt, internal, external."""
        return (self.mgmt, self.internal, self.external)

    @property
    def is_node(self) -> bool:
        """Whether it is a machine of the cluster."""
        return bool({"control_plane", "worker"} & set(self.roles))


@dataclass(frozen=True)
class Host:
    """A Hyper-V PC. `uplink` None: the physical adapter behind `address`."""

    name: str
    address: str
    user: str
    scheme: Scheme
    port: int
    uplink: str | None
    auth: Auth = "ntlm"

    @property
    def url(self) -> str:
        """pywinrm drops the port of a bare https address, so the whole address is always written out."""
        return f"{self.scheme}://{self.address}:{self.port}/wsman"


@dataclass(frozen=True)
class Lab:
    """One lab, complete."""

    source: Path
    id: str
    hosts: tuple[Host, ...]
    networks: tuple[Network, Network, Network]
    machines: tuple[Machine, ...]
    iso_path: str
    switches: tuple[Switch, ...]
    vm_path: str
    machine_user: str
    address_pool: AddressRange | None
    rocky: RockyModel
    kubernetes: KubernetesModel
    sources: SourcesModel
    timeouts: TimeoutsModel

    @property
    def name(self) -> str:
        """What a person types to consent to destruction, and what marks VMs and disks."""
        return f"lab-{self.id}"

    @property
    def patches(self) -> Path | None:
        """The folder of the user's own settings of Kubernetes' parts."""
        return self.source.parent / self.kubernetes.patches if self.kubernetes.patches else None

    @property
    def mgmt(self) -> Network:
        """SSH, network boot, Ansible."""
        return self.networks[0]

    @property
    def internal(self) -> Network:
        """Cluster, pods, storage."""
        return self.networks[1]

    @property
    def external(self) -> Network:
        """The room's LAN."""
        return self.networks[2]

    @property
    def external_addresses(self) -> dict[IPv4Address, str]:
        """Every address that the lab has on EXTERNAL, and whose it is."""
        machines = {machine.external.address: f"machine {machine.name}" for machine in self.machines}
        return machines | dict.fromkeys(self.address_pool or (), "a Service")

    @cached_property
    def bootstrap(self) -> Machine:
        """The PXE server and Ansible control node."""
        return next(machine for machine in self.machines if "bootstrap" in machine.roles)

    @cached_property
    def control_plane(self) -> Machine:
        """The machine that carries the API server."""
        return next(machine for machine in self.machines if "control_plane" in machine.roles)

    @property
    def storage(self) -> Machine | None:
        """The NFS server, or None where no machine has that role."""
        return next((machine for machine in self.machines if "storage" in machine.roles), None)

    @property
    def nodes(self) -> tuple[Machine, ...]:
        """The machines of the cluster, in the order described."""
        return tuple(machine for machine in self.machines if machine.is_node)

    @property
    def workers(self) -> tuple[Machine, ...]:
        """The nodes that take pods; the control plane is one of them only where it has that role too."""
        return tuple(machine for machine in self.machines if "worker" in machine.roles)

    @property
    def installed_by_network(self) -> tuple[Machine, ...]:
        """Every machine but the bootstrap server, which serves the others."""
        return tuple(machine for machine in self.machines if machine is not self.bootstrap)

    @property
    def mixes_networks(self) -> bool:
        """Whether two of the networks are one broadcast domain: on one switch, with one VLAN or none."""
        return len({self._wire(network) for network in self.networks}) < len(self.networks)

    @property
    def mgmt_is_the_lan(self) -> bool:
        """Whether MGMT and the room's LAN are one wire, where a DHCP server of the room's own answers too."""
        return self._wire(self.mgmt) == self._wire(self.external)

    def _wire(self, network: Network) -> tuple[str, int | None]:
        """The broadcast domain of a network."""
        return self.switch_of(network.name).name, network.vlan

    def switch_of(self, network: NetworkName) -> Switch:
        """The virtual switch that carries a network."""
        return next(switch for switch in self.switches if network in switch.networks)

    def machine(self, name: str) -> Machine:
        """The machine of that name; KeyError when there is none."""
        return {machine.name: machine for machine in self.machines}[name]

    def on_host(self, host: str) -> tuple[Machine, ...]:
        """The machines that the host of that name carries."""
        return tuple(machine for machine in self.machines if machine.host == host)


def derive(model: LabModel, source: Path) -> Lab:
    """Make the lab that a checked model describes; `source` is the file it came from."""
    networks = derive_networks(model)
    hosts = tuple(_host(name, host, model.host_user) for name, host in model.hosts.items())
    machines = tuple(_machine(model, machine, networks) for machine in model.machines)
    return Lab(
        source=source, id=model.id, hosts=hosts, networks=networks, machines=machines, iso_path=model.iso_path,
        switches=derive_switches(model), vm_path=model.vm_path, machine_user=model.machine_user,
        address_pool=model.external.address_pool, rocky=model.rocky, kubernetes=model.kubernetes,
        sources=model.sources, timeouts=model.timeouts,
    )  # fmt: skip


def _host(name: str, host: HostModel, user: str) -> Host:
    port = host.port or WINRM_PORTS[host.scheme]
    return Host(name, host.address, host.user or user, host.scheme, port, host.uplink, host.auth)


def derive_switches(model: LabModel) -> tuple[Switch, ...]:
    """One switch for all three networks, or, on one PC, a Private one for MGMT and INTERNAL beside EXTERNAL's."""
    outside: SwitchType = "Internal" if model.external.nat else "External"
    if model.private_switch is None:
        return (Switch(model.switch, outside, NETWORKS),)
    inside = Switch(model.private_switch, "Private", ("mgmt", "internal"))
    return (inside, Switch(model.switch, outside, ("external",)))


def derive_networks(model: LabModel) -> tuple[Network, Network, Network]:
    """MGMT, INTERNAL and EXTERNAL of a model, with VLANs and subnets taken from the lab's id unless written."""
    number = int(model.id, 16)
    vlan = 2 + 2 * (number % 2046)  # even, 2..4092; INTERNAL takes the next one
    second, third = 128 + (number >> 8) % 64, number % 256 & ~1  # 10.128-191: clear of the usual pod and service CIDRs
    mgmt = _network("mgmt", 1, model.networks.mgmt, vlan, IPv4Network(f"10.{second}.{third}.0/24"))
    internal = _network("internal", 2, model.networks.internal, vlan + 1, IPv4Network(f"10.{second}.{third + 1}.0/24"))
    outside = model.external
    external = Network("external", 3, outside.cidr, None, outside.gateway, outside.nameservers or (outside.gateway,))
    return mgmt, internal, external


def _network(name: NetworkName, number: int, model: NetworkModel, vlan: int, cidr: IPv4Network) -> Network:
    own_vlan = vlan if model.vlan == "auto" else model.vlan
    return Network(name, number, cidr if model.cidr == "auto" else model.cidr, own_vlan)


def mac_address(lab_id: str, network: Network, machine_number: int) -> str:
    """`02:<id>:<network>:00:<machine>`: the first octet says locally administered, unicast (IEEE 802)."""
    return f"02:{lab_id[:2]}:{lab_id[2:]}:{network.number:02x}:00:{machine_number:02x}"


def interface_of(model: LabModel, machine: MachineModel, network: Network) -> Interface:
    """A machine's adapter on a network: what is written for MGMT, else what follows from id and number.

    EXTERNAL addresses are counted from the first free one, the others from the subnet's tenth.
    """
    mac = mac_address(model.id, network, machine.number)
    if network.name == "external":
        return Interface(network, mac, model.external.first_address + (machine.number - 1))
    address = network.cidr.network_address + FIRST_HOST_PART + machine.number
    if network.name == "mgmt":
        return Interface(network, machine.mac or mac, machine.address or address)
    return Interface(network, mac, address)


def _machine(model: LabModel, machine: MachineModel, networks: Iterable[Network]) -> Machine:
    mgmt, internal, external = (interface_of(model, machine, network) for network in networks)
    return Machine(
        name=machine.name, number=machine.number, host=machine.host, vm_name=f"lab-{model.id}-{machine.name}",
        roles=machine.roles, cpus=machine.cpus, memory_mb=machine.memory_mb, disk_gb=machine.disk_gb,
        data_disk_gb=machine.data_disk_gb, mgmt=mgmt, internal=internal, external=external,
    )  # fmt: skip
