"""Every mistake in the description gives one problem: where, what, and how to put it right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.description.conftest import GOOD, lab_with

W1 = "{name: w1, number: 3, host: pc1, roles: [worker], cpus: 2, memory_mb: 4096, disk_gb: 40}"
POD_MTU = next(line.strip() for line in GOOD.splitlines() if "The largest packet" in line)
CP1 = "roles: [control_plane]"


def line_of(text: str) -> int:
    return GOOD[: GOOD.index(text)].count("\n") + 1


def changed(old: str, new: str) -> tuple[str, str]:
    """A change inside w1's line."""
    return W1, W1.replace(old, new)


CASES = {
    "unknown key": (("  switch: Lab", "  swich: Lab"), "lab.swich: there is no such key -> did you mean switch?"),
    "unknown key of a machine": (
        changed("memory_mb", "memory_gb"),
        "lab.machines.2.memory_gb: there is no such key -> did you mean memory_mb?",
    ),
    "unknown key of a network": (("mgmt: {vlan: auto", "mgmt: {vlam: auto"), "lab.networks.mgmt.vlam: there is no"),
    "duplicate key": (("  switch: Lab", "  switch: Lab\n  switch: Lab2"), "lab.switch: the key 'switch' stands twice"),
    "missing id": (("  id: '7e57'", "  id:"), "lab.id: every lab needs an id of its own; there is none yet"),
    "id that is none": (("'7e57'", "7E57"), "lab.id: '7E57': four hex digits are expected, lower case"),
    "duplicate name": (changed("w1", "w2"), "lab.machines.3.name: another machine has the name 'w2'"),
    "duplicate number": (changed("number: 3", "number: 2"), "lab.machines.2.number: another machine has the number 2"),
    "unknown host": (changed("host: pc1", "host: pc9"), "lab.machines.2.host: there is no host 'pc9' -> name one of"),
    "an address of IPv6": (
        ("address: 192.0.2.11", "address: 'fd00::11'"),
        "lab.hosts.pc1.address: fd00::11 is of IPv6 -> write the PC's IPv4 address, or its name",
    ),
    "Basic without TLS": (
        ("pc2: {address: 192.0.2.12", "pc2: {auth: basic, address: 192.0.2.12"),
        "lab.hosts.pc2.auth: over http Basic shows everybody the password -> remove it, or `scheme: http`",
    ),
    "unknown role": (changed("worker", "wroker"), "lab.machines.2.roles.0: 'wroker': one of 'control_plane', 'worker'"),
    "no roles": (changed("[worker]", "[]"), "lab.machines.2.roles: []: must not be empty"),
    "no control plane": ((CP1, "roles: [worker]"), "lab.machines: no machine has the role control_plane"),
    "two control planes": (changed("worker", "control_plane"), "lab.machines.2.roles: control_plane is cp1's role"),
    "two storages": (
        changed("roles: [worker]", "roles: [storage], data_disk_gb: 9"),
        "lab.machines.5.roles: storage is w1's role already",
    ),
    "storage without a disk": ((", data_disk_gb: 100", ""), "lab.machines.5.data_disk_gb: a storage machine needs a"),
    "data disk without storage": (changed("disk_gb: 40", "disk_gb: 40, data_disk_gb: 1"), "only a storage machine has"),
    "overlapping ranges": (
        ("service_cidr: 10.96.0.0/12", "service_cidr: 10.244.0.0/20"),
        "lab.kubernetes.service_cidr: 10.244.0.0/20 overlaps kubernetes.pod_cidr (10.244.0.0/16)",
    ),
    "range over a derived one": (("pod_cidr: 10.244.0.0/16", "pod_cidr: 10.128.0.0/10"), "overlaps networks.mgmt.cidr"),
    "range with host bits": (("cidr: 192.0.2.0/24", "cidr: 192.0.2.7/24"), "-> write 192.0.2.0/24"),
    "range that is none": (
        ("internal: {vlan: auto, cidr: auto}", "internal: {vlan: auto, cidr: big}"),
        "lab.networks.internal.cidr: 'big': an IPv4 range such as 192.168.1.0/24 is expected, or 'auto'",
    ),
    "vlan out of range": (
        ("internal: {vlan: auto", "internal: {vlan: 4095"),
        "lab.networks.internal.vlan: 4095: must be at most 4094, or 'auto'",
    ),
    "unknown network": (("    mgmt:", "    x: y\n    mgmt:"), "lab.networks.x: there is no such key"),
    "same vlan": (
        (
            "mgmt: {vlan: auto, cidr: auto}\n    # Cluster and pod traffic, storage.\n    internal: {vlan: auto",
            "mgmt: {vlan: 7, cidr: auto}\n    # Cluster and pod traffic, storage.\n    internal: {vlan: 7",
        ),
        "lab.networks.internal.vlan: 7 is MGMT's VLAN already",
    ),
    "gateway outside": (("gateway: 192.0.2.1", "gateway: 192.0.3.1"), "lab.external.gateway: 192.0.3.1 is not in"),
    "first address outside": (("192.0.2.100", "192.0.3.100"), "lab.external.first_address: 192.0.3.100 is not in"),
    "addresses past the end": (("192.0.2.100", "192.0.2.252"), "first_address: 6 addresses are needed from"),
    "address of a host": (("192.0.2.100", "192.0.2.9"), "w1's external address 192.0.2.11 is host pc1's already"),
    "pool that is none": (
        ("192.0.2.120-192.0.2.129", "192.0.2.120/29"),
        "address_pool: '192.0.2.120/29': a range such as 192.168.1.220-192.168.1.229 is expected",
    ),
    "pool outside": (
        ("192.0.2.120-192.0.2.129", "192.0.2.250-192.0.2.255"),
        "lab.external.address_pool: 192.0.2.250-192.0.2.255 does not lie in 192.0.2.0/24",
    ),
    "pool upside down": (("192.0.2.120-192.0.2.129", "192.0.2.129-192.0.2.120"), "name 1 to 64, the lower end first"),
    "pool too large": (("192.0.2.120-192.0.2.129", "192.0.2.120-192.0.2.200"), "holds 81 addresses"),
    "pool with a machine": (
        ("192.0.2.120-192.0.2.129", "192.0.2.105-192.0.2.110"),
        "lab.external.address_pool: 192.0.2.105-192.0.2.110 holds storage1's address 192.0.2.105",
    ),
    "pool with the gateway": (
        ("192.0.2.120-192.0.2.129", "192.0.2.1-192.0.2.9"),
        "192.0.2.1-192.0.2.9 holds the gateway",
    ),
    "pool with a host": (("192.0.2.120-192.0.2.129", "192.0.2.12-192.0.2.20"), "192.0.2.12-192.0.2.20 holds host pc2"),
    "address twice": (
        changed("number: 3", "number: 3, address: 10.190.86.12"),
        "lab.machines.2.address: w1's mgmt address 10.190.86.12 is cp1's already",
    ),
    "no address of a host": (
        ("{address: 192.0.2.11}", "{address: 192.0.2.300}"),
        "lab.hosts.pc1.address: '192.0.2.300': an address such as 192.168.1.11, or a name, is expected",
    ),
    "a link for a host": (
        ("{address: 192.0.2.11}", "{address: 'http://192.0.2.11'}"),
        "hosts.pc1.address: 'http://192",
    ),
    "a blank behind a host": (("{address: 192.0.2.11}", "{address: '192.0.2.11 '}"), "pc1.address: '192.0.2.11 '"),
    "gateway that is a host": (
        ("gateway: 192.0.2.1", "gateway: 192.0.2.11"),
        "lab.external.gateway: 192.0.2.11 is host pc1's address",
    ),
    "relative folder": (("vm_path: 'C:\\Lab'", "vm_path: Lab"), "lab.vm_path: 'Lab': a whole Windows path"),
    "folder on a share": (("vm_path: 'C:\\Lab'", "vm_path: '\\\\nas\\lab'"), "such as 'C:\\Lab', is expected"),
    "image without a drive": (("'C:\\ISO\\Rocky", "'ISO\\Rocky"), "lab.iso_path: 'ISO\\\\Rocky-9"),
    "time zone that is none": (
        ("    timezone: UTC", "    timezone: Seoul"),
        "lab.rocky.timezone: 'Seoul': a time zone such as Asia/Seoul is expected",
    ),
    "time server that is none": (("time_servers: [", "time_servers: ['', "), "rocky.time_servers.0: '': must not be"),
    "a link for a time server": (("time_servers: [", "time_servers: ['http://t.io', "), "servers.0: 'http://t.io'"),
    "name that means this computer": (changed("w1", "localhost"), "machines.2.name: 'localhost': another name is"),
    "user that is there already": (
        ("machine_user: lab", "machine_user: root"),
        "lab.machine_user: 'root': an account that Rocky has not already is expected",
    ),
    "pod range of one node": (
        ("pod_cidr: 10.244.0.0/16", "pod_cidr: 10.244.0.0/23"),
        "lab.kubernetes.pod_cidr: each of 4 nodes gets a /24 of it, and there are 2 -> write 10.244.0.0/22 or larger",
    ),
    "pod range smaller than a node's": (
        ("10.244.0.0/16", "10.244.0.0/28"),
        "each of 4 nodes gets a /24 of it, and there",
    ),
    "pod range too large": (("10.244.0.0/16", "48.0.0.0/7"), "pod_cidr: kubeadm takes at most a /8"),
    "service range too small": (("10.96.0.0/12", "10.96.0.0/29"), "service_cidr: kubeadm takes a /12 to a /28"),
    "service range too large": (("10.96.0.0/12", "48.0.0.0/11"), "service_cidr: kubeadm takes a /12 to a /28"),
    "version of another age": (("version: 1.36.4", "version: 1.12.4"), "'1.12.4': 1.31 or newer is expected"),
    "hosts at one address": (("{address: 192.0.2.12,", "{address: 192.0.2.11,"), "192.0.2.11 is host pc1's"),
    "mac outside the plan": (
        changed("number: 3", "number: 3, mac: '02:aa:bb:01:00:03'"),
        "lab.machines.2.mac: 02:aa:bb:01:00:03 is outside this lab's plan (02:7e:57:01:..)",
    ),
    "mac twice": (
        changed("number: 3", "number: 3, mac: '02:7e:57:01:00:02'"),
        "lab.machines.2.mac: 02:7e:57:01:00:02 is machine cp1's MAC already",
    ),
    "mac that is none": (
        changed("number: 3", "number: 3, mac: 02-7E"),
        "lab.machines.2.mac: '02-7E': six pairs of lower-case hex digits",
    ),
    "name that is none": (changed("w1", "W_1"), "lab.machines.2.name: 'W_1': lower-case letters, digits and dashes"),
    "host name that is none": (("pc2: {address", "PC 2: {address"), "lab.hosts.PC 2: 'PC 2': lower-case letters"),
    "text for a number": (changed("cpus: 2", "cpus: two"), "lab.machines.2.cpus: 'two': a whole number is expected"),
    "too little memory": (changed("4096", "512"), "lab.machines.2.memory_mb: 512: must be at least 1024"),
    "odd memory": (changed("4096", "4097"), "lab.machines.2.memory_mb: 4097: Hyper-V takes memory in steps of 2 MB"),
    "missing key": (changed(", cpus: 2", ""), "lab.machines.2.cpus: this key is missing -> add cpus"),
    "number for text": (("version: 1.36.4", "version: 1.36"), "lab.kubernetes.version: 1.36: text is expected"),
    "half a version": (("version: 1.36.4", "version: '1.36'"), "a full version, such as 1.36.4 is expected"),
    "unknown cni": (
        ("cni: calico", "cni: cilium"),
        "lab.kubernetes.cni: 'cilium': one of 'calico', 'flannel' or 'none'",
    ),
    "pods' packets too small": (
        ("pod_mtu:", "pod_mtu: 100 #"),
        "lab.kubernetes.pod_mtu: 100: must be at least 576",
    ),
    "pods' packets of a network that is not the lab's": (
        (f"cni: calico\n    {POD_MTU}\n    pod_mtu:", f"cni: none\n    {POD_MTU}\n    pod_mtu: 1400"),
        "lab.kubernetes.pod_mtu: with cni none nothing of the lab's sets it",
    ),
    "certificate name that is none": (
        ("certificate_names: []", "certificate_names: [lab.example, Lab_1]"),
        "lab.kubernetes.certificate_names.1: 'Lab_1': a name such as lab.example, or an address, is expected",
    ),
    "certificate name that is half an address": (
        ("certificate_names: []", "certificate_names: [192.0.2.300]"),
        "lab.kubernetes.certificate_names.0: '192.0.2.300': a name such as",
    ),
    "registry that is none": (
        ("registries: {}", "registries: {'http://reg.lan': {}}"),
        "lab.sources.registries.http://reg.lan: 'http://reg.lan': a registry as images name it, such as",
    ),
    "registry whose address is none": (
        ("registries: {}", "registries: {'reg.lan:5000': {url: reg.lan}}"),
        "lab.sources.registries.reg.lan:5000.url: 'reg.lan': an address such as http://registry.lan:5000 is expected",
    ),
    "registry over http whose certificate is not checked": (
        ("registries: {}", "registries: {reg.lan: {url: 'http://reg.lan', skip_verify: true}}"),
        "lab.sources.registries.reg.lan.skip_verify: over http there is no certificate to check -> remove it",
    ),
    "address that is no url": (("'http://192.0.2.1/manifests'", "192.0.2.1"), "an address that begins with http://"),
    "address for a source that has to prove a name": (
        ("'http://192.0.2.1/containerd", "'https://192.0.2.1/containerd"),
        "lab.sources.containerd_packages_url: nginx accepts no certificate for the address 192.0.2.1, only for a name",
    ),
    "scalar for a mapping": (("  rocky:\n", "  rocky: 9\n  x:\n"), "lab.rocky: 9: a mapping is expected"),
    "mapping for a list": (("nameservers: []", "nameservers: {a: b}"), "nameservers: {'a': 'b'}: a list is"),
}


MANY = {
    "unknown key of a machine": 2,  # the misspelt one is there, the right one is missing
    "range over a derived one": 2,  # it covers MGMT and INTERNAL
    "address of a host": 2,  # both hosts' addresses lie in the range
    "scalar for a mapping": 2,  # and the mapping's keys stand below one that is not known
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_once_and_where_it_stands(name: str, refusal: Callable[..., str]) -> None:
    change, expected = CASES[name]
    said = refusal(change)
    told = next((line for line in said.splitlines() if expected in line), None)
    assert told is not None, said
    first = line_of(change[0])
    lines = range(first, first + 1 + change[1].count("\n") + 10)
    number = int(told.split(":")[1])
    assert number in lines or "machines" in told, said
    assert len(said.splitlines()) - 1 == MANY.get(name, 1), said


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(refusal: Callable[..., str]) -> None:
    said = refusal(
        ("  id: '7e57'", "  id:"),
        ("  switch: Lab", "  swich: Lab"),
        ("vm_path: 'C:\\Lab'", "vm_path: 'C:\\Lab'\n  vm_path: 'D:\\Lab'"),
        changed("worker", "wroker"),
        ("host: pc2, roles: [worker]", "host: pc3, roles: [worker]"),
        ("name: w3", "name: cp1"),
        ("service_cidr: 10.96.0.0/12", "service_cidr: 10.244.0.0/20"),
    )
    rows = [line.split(": ")[1] for line in said.splitlines()[1:]]
    machines = ["lab.machines.2.roles.0", "lab.machines.3.host", "lab.machines.4.name"]
    assert rows == ["lab.id", "lab.swich", "lab.vm_path", *machines, "lab.kubernetes.service_cidr"]
    assert said.splitlines()[0] == "7 problems in lab.yaml; nothing was contacted or changed"


def test_the_offered_id_is_another_one_each_time(refusal: Callable[..., str]) -> None:
    offers = {refusal(("  id: '7e57'", "  id:")).split("write id: '")[1][:4] for _ in range(8)}
    assert len(offers) > 1


@pytest.mark.parametrize(("written", "meant"), [("0042", "0042"), ("1234", "1234"), ("'00ff'", "00ff")])
def test_an_id_counts_as_it_was_typed(written: str, meant: str, tmp_path: Path) -> None:
    assert lab_with(tmp_path, ("'7e57'", written)).id == meant
