"""Delivered labs are complete; a rehearsal's differs from the one it stands for in identity, addresses and sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.description.load import load_lab
from labkit.errors import ConfigError
from labkit.project import POWERSHELL
from tests.labs import DELIVERED, delivered

ROOT = Path(__file__).resolve().parents[3]
REHEARSED = {"labs/rehearsal.yaml": "invoke.yaml", "labs/rehearsal-one-pc.yaml": "labs/one-pc-16gb.yaml"}
MAY_DIFFER = {
    "lab.id",
    "lab.hosts.pc1.address",
    "lab.hosts.pc2.address",
    "lab.hosts.pc2.scheme",  # one PC of each
    "lab.external.cidr",
    "lab.external.gateway",
    "lab.external.first_address",
    "lab.external.address_pool",
    "lab.rocky.tree_url",
    "lab.sources.kubernetes_packages_url",
    "lab.sources.containerd_packages_url",
    "lab.sources.manifests_url",
    "lab.sources.manifests_checksums",
    "lab.sources.python_index_url",
}
BEHIND_NAT = {"lab.external.nameservers"}  # an address too: without NAT it is the gateway's, and stays empty
WINDOWS_KEEPS_MB = {"one-pc-16gb": (16384, 5120), "one-pc-32gb": (32768, 8192)}
INSTALLER_MB = 3072  # over the network, into memory; from its DVD the bootstrap server takes less


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def keys(file: str) -> dict[str, Any]:
    return dict(leaves(yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("rehearsed", "stands_for"), REHEARSED.items())
def test_only_identity_addresses_and_sources_differ(rehearsed: str, stands_for: str) -> None:
    here, there = keys(rehearsed), keys(stands_for)
    differing = {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}
    assert differing <= MAY_DIFFER | (BEHIND_NAT if there["lab.external.nat"] else set())


@pytest.mark.parametrize("file", ["labs/one-pc-16gb.yaml", "labs/one-pc-32gb.yaml"])
def test_a_one_pc_lab_names_every_key_that_invoke_yaml_names(file: str) -> None:
    assert keys(file).keys() ^ keys("invoke.yaml").keys() == {"lab.hosts.pc2.address"}


@pytest.mark.parametrize("file", ["invoke.yaml", "labs/one-pc-16gb.yaml", "labs/one-pc-32gb.yaml"])
def test_an_id_of_its_own_is_all_that_a_delivered_lab_lacks(file: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_lab(ROOT / file)
    assert caught.value.problem.splitlines()[0].startswith("1 problem in")
    assert "every lab needs an id of its own" in caught.value.problem


@pytest.mark.parametrize(("name", "sizes"), WINDOWS_KEEPS_MB.items())
def test_a_one_pc_lab_leaves_windows_and_its_user_enough_memory(name: str, sizes: tuple[int, int]) -> None:
    whole, kept = sizes
    assert sum(machine.memory_mb for machine in delivered(name).machines) <= whole - kept


@pytest.mark.parametrize("name", ["invoke", "one-pc-16gb", "one-pc-32gb", "rehearsal-one-pc"])
def test_a_pc_is_spoken_to_as_enable_labhost_prepares_it_without_options(name: str) -> None:
    script = (POWERSHELL / "Enable-LabHost.ps1").read_text(encoding="ascii")
    (port,) = re.findall(r"^\$port = if \(\$Http\) \{ \d+ \} else \{ (\d+) \}$", script, flags=re.MULTILINE)
    assert {host.port for host in delivered(name).hosts} == {int(port)}


def test_the_rehearsal_plays_one_pc_of_each_scheme() -> None:
    assert {host.name: host.scheme for host in delivered("rehearsal").hosts} == {"pc1": "https", "pc2": "http"}


@pytest.mark.parametrize("name", DELIVERED)
def test_every_machine_has_the_memory_that_its_installer_takes(name: str) -> None:
    lab = delivered(name)
    assert all(machine.memory_mb >= INSTALLER_MB for machine in lab.installed_by_network)
    assert lab.bootstrap.memory_mb >= 2048


@pytest.mark.parametrize("name", ["one-pc-16gb", "one-pc-32gb"])
def test_a_one_pc_lab_leaves_the_rooms_lan_alone(name: str) -> None:
    lab = delivered(name)
    assert [(switch.type, switch.networks) for switch in lab.switches] == [
        ("Private", ("mgmt", "internal")),
        ("Internal", ("external",)),
    ]
