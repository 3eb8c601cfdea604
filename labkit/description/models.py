"""What may be written under `lab:`: one model a mapping, frozen, unknown keys refused.

Only shapes and ranges are checked here; what concerns more than one key stands in `rules`, what follows from the
keys (addresses, MACs, VLANs) in `labkit.description.lab`. The comments a user reads stand in `invoke.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import PureWindowsPath
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

LARGEST_NUMBER = 99
"""Of a machine's number, which ends its addresses and its MACs."""

Role = Literal["control_plane", "worker", "storage", "bootstrap"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Vlan = Annotated[int, Field(ge=1, le=4094)] | Literal["auto"] | None
OLDEST_MINOR = 31
"""Of Kubernetes 1: the first whose kubeadm reads v1beta4."""
TAKEN_NAMES = ("localhost", "all", "ungrouped")
"""What a machine cannot be called: on each the first is itself, and to Ansible the others are groups."""
TAKEN_USERS = (
    "root", "bin", "daemon", "adm", "lp", "sync", "shutdown", "halt", "mail", "operator", "games", "ftp", "nobody",
    "dbus", "sshd", "chrony", "tss", "polkitd", "sssd", "rpc", "rpcuser", "nginx", "dnsmasq", "wheel", "users",
)  # fmt: skip
"""Accounts and groups that Rocky has before the kickstart makes the user's."""

Url = Annotated[str, Field(pattern=r"^(https?|file)://\S+$")]


@dataclass(frozen=True)
class AddressRange:
    """IPv4 addresses in a row, both ends included; written `192.168.1.220-192.168.1.229`, as MetalLB writes it."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def __iter__(self) -> Iterator[IPv4Address]:
        return (IPv4Address(number) for number in range(int(self.first), int(self.last) + 1))

    def __len__(self) -> int:
        return max(int(self.last) - int(self.first) + 1, 0)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _range(value: Any) -> AddressRange | None:
    if value is None:
        return None
    try:
        first, last = (IPv4Address(end.strip()) for end in str(value).split("-"))
    except ValueError:
        raise ValueError("a range such as 192.168.1.220-192.168.1.229 is expected") from None
    return AddressRange(first, last)


def _host(value: str) -> str:
    """An IPv4 address or a name; what is nothing but numbers and dots can be no name."""
    numbers = value.replace(".", "")
    if numbers.isdigit():
        is_one = re.fullmatch(r"(\d{1,3})(\.\d{1,3}){3}", value) and all(int(part) < 256 for part in value.split("."))
    else:
        is_one = re.search(r"[\s/\\@]", value) is None
    if not is_one:
        raise ValueError("an address such as 192.168.1.11, or a name, is expected")
    return value


def _whole_path(value: str) -> str:
    """A path on a drive of the PC: what is relative would lie below whoever reads it, and a share is no drive."""
    path = PureWindowsPath(value)
    if not (path.is_absolute() and re.fullmatch(r"[A-Za-z]:", path.drive)):
        raise ValueError(r"a whole Windows path, such as 'C:\Lab', is expected")
    return value


def _zone(value: str) -> str:
    """One of the time zone database's, where there is one: Anaconda takes New York for what it does not know."""
    known = available_timezones()
    if known and value not in known:
        raise ValueError("a time zone such as Asia/Seoul is expected")
    return value


def _certificate_name(value: str) -> str:
    """A DNS name as kubeadm takes it, or an address in the one form that certificates are read in."""
    try:
        return str(ip_address(value))
    except ValueError:
        part = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
        is_name = len(value) <= 253 and re.fullmatch(rf"(\*\.)?{part}(\.{part})*", value)
        if not is_name or value.replace(".", "").isdigit():
            raise ValueError("a name such as lab.example, or an address, is expected") from None
    return value


def _registry(value: str) -> str:
    """A registry as an image's name begins with it: a host, or an address of IPv6 in brackets, and perhaps a port."""
    if not re.fullmatch(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?", value):
        raise ValueError("a registry as images name it, such as registry.lan:5000, is expected")
    return value


def _registry_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/\"'\\]+(/[^\s\"'\\]*)?", value):
        raise ValueError("an address such as http://registry.lan:5000 is expected")
    return value.rstrip("/")


HostName = Annotated[str, Field(min_length=1), AfterValidator(_host)]
RegistryName = Annotated[str, AfterValidator(_registry)]
CertificateName = Annotated[str, AfterValidator(_certificate_name)]
WindowsPath = Annotated[str, AfterValidator(_whole_path)]


class Model(BaseModel):
    """Frozen and strict about keys: a misspelt key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HostModel(Model):
    address: HostName
    user: str | None = None
    scheme: Literal["http", "https"] = "https"
    auth: Literal["ntlm", "basic"] = "ntlm"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    uplink: str | None = None


class ExternalModel(Model):
    cidr: IPv4Network
    gateway: IPv4Address
    first_address: IPv4Address
    nat: bool = False
    nameservers: tuple[IPv4Address, ...] = ()
    address_pool: Annotated[AddressRange | None, BeforeValidator(_range)] = None


class NetworkModel(Model):
    vlan: Vlan = "auto"
    cidr: IPv4Network | Literal["auto"] = "auto"


class NetworksModel(Model):
    mgmt: NetworkModel = NetworkModel()
    internal: NetworkModel = NetworkModel()


class MachineModel(Model):
    name: Name
    number: int = Field(ge=1, le=LARGEST_NUMBER)
    host: str
    roles: tuple[Role, ...] = Field(min_length=1)
    cpus: int = Field(ge=1, le=64)
    memory_mb: int = Field(ge=1024)
    disk_gb: int = Field(ge=10)
    data_disk_gb: int | None = Field(default=None, ge=1)
    mac: str | None = Field(default=None, pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
    address: IPv4Address | None = None

    @field_validator("name")
    @classmethod
    def _free_name(cls, value: str) -> str:
        if value in TAKEN_NAMES:
            raise ValueError("another name is expected: this one means something else on every machine")
        return value

    @field_validator("memory_mb")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("Hyper-V takes memory in steps of 2 MB")
        return value


class RockyModel(Model):
    release: Literal[9, 10] = 9
    iso_url: Url | None = None
    iso_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    tree_url: Url | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    keyboard: str = "us"
    time_servers: tuple[HostName, ...] = ("2.rocky.pool.ntp.org",)


class KubernetesModel(Model):
    version: str = Field(default="1.36.4", pattern=r"^1\.\d+\.\d+$")
    pod_cidr: IPv4Network = IPv4Network("10.244.0.0/16")
    service_cidr: IPv4Network = IPv4Network("10.96.0.0/12")
    cni: Literal["calico", "flannel", "none"] = "calico"
    pod_mtu: int | None = Field(default=None, ge=576, le=8950)
    patches: str | None = Field(default=None, min_length=1)
    certificate_names: tuple[CertificateName, ...] = ()

    @field_validator("version")
    @classmethod
    def _read_by_kubeadm(cls, value: str) -> str:
        if int(value.split(".")[1]) < OLDEST_MINOR:
            raise ValueError(f"1.{OLDEST_MINOR} or newer is expected")
        return value


class RegistryModel(Model):
    """`url` None: https, at the registry's name. `skip_verify`: nobody checks its certificate."""

    url: Annotated[str, AfterValidator(_registry_url)] | None = None
    skip_verify: bool = False


class SourcesModel(Model):
    """Where packages and manifests are fetched from; each is a base address, versions are added below it."""

    kubernetes_packages_url: Url = "https://pkgs.k8s.io/core:/stable:"
    containerd_packages_url: Url = "https://download.docker.com/linux/rhel"
    manifests_url: Url = "https://raw.githubusercontent.com"
    manifests_checksums: Literal["pinned", "beside"] = "pinned"
    python_index_url: Url | None = None
    registries: dict[RegistryName, RegistryModel] = {}


class TimeoutsModel(Model):
    bootstrap_s: int = Field(default=120, ge=5)
    install_s: int = Field(default=1500, ge=30)
    ssh_s: int = Field(default=300, ge=5)
    ansible_s: int = Field(default=1800, ge=30)
    verify_s: int = Field(default=300, ge=5)


class LabModel(Model):
    id: str
    hosts: dict[Name, HostModel] = Field(min_length=1)
    host_user: str = Field(min_length=1)
    external: ExternalModel
    iso_path: WindowsPath = Field(min_length=1)
    switch: str = Field(default="Lab", min_length=1)
    private_switch: str | None = Field(default=None, min_length=1)
    vm_path: WindowsPath = Field(default="C:\\Lab", min_length=1)
    networks: NetworksModel = NetworksModel()
    machines: tuple[MachineModel, ...] = Field(min_length=1)
    machine_user: str = Field(default="lab", pattern=r"^[a-z_][a-z0-9_-]{0,30}$")
    rocky: RockyModel = RockyModel()
    kubernetes: KubernetesModel = KubernetesModel()
    sources: SourcesModel = SourcesModel()
    timeouts: TimeoutsModel = TimeoutsModel()

    @field_validator("id")
    @classmethod
    def _four_hex_digits(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{4}", value):
            raise ValueError("four hex digits are expected, such as 3fa9")
        return value

    @field_validator("machine_user")
    @classmethod
    def _fresh_user(cls, value: str) -> str:
        if value in TAKEN_USERS:
            raise ValueError("an account that Rocky has not already is expected")
        return value
