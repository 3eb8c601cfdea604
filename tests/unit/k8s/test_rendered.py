"""The inventory and kubeadm's configuration of a lab."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.description.lab import Lab
from labkit.k8s.rendered import inventory, kubeadm_init
from rehearsal.kubernetes.images import kube_proxy
from rehearsal.kubernetes.kubeadm.config import InitSettings, load_init
from tests.golden import check
from tests.labs import DELIVERED, SMALL, delivered, described, golden, small

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "cluster"
# Fields of v1beta4 that kubeadm's print-out of its defaults leaves out because they are empty there.
UNPRINTED = {
    "InitConfiguration": {"bootstrapTokens.description", "nodeRegistration.kubeletExtraArgs"},
    "ClusterConfiguration": {"controlPlaneEndpoint", "networking.podSubnet", "apiServer.certSANs"},
    "KubeletConfiguration": {"serializeImagePulls", "maxParallelImagePulls"},
}


def documents(lab: Lab) -> dict[str, Any]:
    return {document["kind"]: document for document in yaml.safe_load_all(kubeadm_init(lab))}


def changed(lab: Lab, part: str, **values: Any) -> Lab:
    return dataclasses.replace(lab, **{part: getattr(lab, part).model_copy(update=values)})


def read_by_kubeadm(lab: Lab, folder: Path) -> InitSettings:
    file = folder / "kubeadm-init.yaml"
    file.write_text(kubeadm_init(lab), encoding="utf-8")
    return load_init(str(file))


def paths(value: Any, path: tuple[str, ...] = ()) -> set[str]:
    """Every mapping key of a document as a dotted path; members of lists stand under their list."""
    if isinstance(value, dict):
        found = {".".join((*path, key)) for key in value}
        return found.union(*(paths(item, (*path, key)) for key, item in value.items()))
    if isinstance(value, list) and path[-1:] != ("kubeletExtraArgs",):
        return set[str]().union(*(paths(item, path) for item in value))
    return set()


@pytest.mark.parametrize("lab_name", DELIVERED)
@pytest.mark.parametrize(("name", "render"), [("inventory.yml", inventory), ("kubeadm-init.yaml", kubeadm_init)])
def test_the_rendered_files_are_the_golden_ones(lab_name: str, name: str, render: Any) -> None:
    check(golden(lab_name, f"cluster/{name}"), render(delivered(lab_name)))


@pytest.mark.parametrize("lab", [*map(small, SMALL)], ids=SMALL)
def test_a_small_labs_inventory_has_each_machine_in_the_group_of_each_of_its_roles(lab: Lab) -> None:
    whole = yaml.safe_load(inventory(lab))["all"]
    found = {group: set(below["hosts"]) for group, below in whole["children"].items() if "hosts" in below}
    for role, group in (("control_plane", "control_plane"), ("worker", "workers"), ("storage", "storage")):
        assert found[group] == {machine.name for machine in lab.machines if role in machine.roles}
    assert set(whole["hosts"]) == {machine.name for machine in lab.machines}


@pytest.mark.parametrize("lab", [*map(small, SMALL)], ids=SMALL)
def test_kubeadms_strict_reading_accepts_a_small_labs_file_and_taints_no_worker(lab: Lab, tmp_path: Path) -> None:
    tainted = read_by_kubeadm(lab, tmp_path).init["nodeRegistration"]["taints"]
    assert bool(tainted) is ("worker" not in lab.control_plane.roles)


def test_every_field_is_one_that_kubeadm_knows(lab: Lab) -> None:
    printed = (GOLDEN / "kubeadm-init-defaults.txt").read_text(encoding="utf-8")
    known = {document["kind"]: paths(document) for document in yaml.safe_load_all(printed)}
    for kind, document in documents(lab).items():
        assert paths(document) <= known[kind] | UNPRINTED.get(kind, set()), kind


@pytest.mark.parametrize(("release", "mode"), [(9, "iptables"), (10, "nftables")])
def test_kube_proxy_uses_what_the_release_has_and_answers_node_ports_at_every_address(
    lab: Lab, release: int, mode: str
) -> None:
    configuration = documents(changed(lab, "rocky", release=release))["KubeProxyConfiguration"]
    assert configuration["mode"] == mode
    own = str(lab.control_plane.internal.address)
    assert kube_proxy.node_ports(configuration, own) == kube_proxy.EVERY_ADDRESS


def test_kubeadms_strict_reading_accepts_the_file(lab: Lab, tmp_path: Path) -> None:
    settings = read_by_kubeadm(lab, tmp_path)
    assert settings.node_name == "cp1"
    assert settings.endpoint == f"https://{lab.control_plane.internal.address}:6443"


def test_images_are_fetched_side_by_side_by_kubeadm_and_by_kubelets(lab: Lab, tmp_path: Path) -> None:
    """One after another leaves the room's line idle while the last of one image arrives."""
    settings = read_by_kubeadm(lab, tmp_path)
    assert settings.init["nodeRegistration"]["imagePullSerial"] is False
    assert settings.kubelet["serializeImagePulls"] is False  # without it kubelet refuses more than one
    assert settings.kubelet["maxParallelImagePulls"] == 3


def test_the_cluster_talks_over_internal_and_its_certificate_names_every_way_in(lab: Lab) -> None:
    machine, kinds = lab.control_plane, documents(lab)
    internal = str(machine.internal.address)
    init = kinds["InitConfiguration"]
    assert init["localAPIEndpoint"]["advertiseAddress"] == internal
    assert init["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": internal}]
    names = kinds["ClusterConfiguration"]["apiServer"]["certSANs"]
    assert {str(interface.address) for interface in machine.interfaces} < set(names)


def test_a_users_names_stand_in_the_certificate_once_and_addresses_in_one_form(tmp_path: Path) -> None:
    written = ["lab.example", "*.lab.example", "2001:DB8:0:0::1", "2001:db8::1", "::1", "10.190.87.12", "203.0.113.9"]
    other = described("rehearsal", {"kubernetes": {"certificate_names": written}})
    names = read_by_kubeadm(other, tmp_path).cluster["apiServer"]["certSANs"]
    assert names[4:] == ["lab.example", "*.lab.example", "2001:db8::1", "::1", "203.0.113.9"]
    assert len(names) == len(set(names))


def test_the_first_call_of_the_api_has_as_long_as_the_control_plane_has_to_come_up(lab: Lab, tmp_path: Path) -> None:
    """`kubeadm init` of 1.36 makes one before it waits: with the default of a minute a slow disk ends it half way."""
    timeouts = read_by_kubeadm(lab, tmp_path).init["timeouts"]
    assert timeouts["kubernetesAPICall"] == timeouts["controlPlaneComponentHealthCheck"] == "4m0s"


def test_the_token_of_init_soon_expires(lab: Lab) -> None:
    (token,) = documents(lab)["InitConfiguration"]["bootstrapTokens"]
    assert token["ttl"] == "15m0s"
    assert "token" not in token


def test_only_sources_over_https_are_signed(lab: Lab) -> None:
    other = changed(lab, "sources", kubernetes_packages_url="https://packages.example/stable:")
    found = yaml.safe_load(inventory(other))["all"]["vars"]["lab_sources"]
    assert found["kubernetes_packages_signed"] is True
    assert found["containerd_packages_signed"] is False


def test_a_registry_without_an_address_is_asked_over_https_at_its_name() -> None:
    other = described("rehearsal", {"sources": {"registries": {"hub.lan:5000": {}, "[::1]:5000": {}}}})
    assert yaml.safe_load(inventory(other))["all"]["vars"]["lab_registries"] == {
        "hub.lan:5000": {"url": "https://hub.lan:5000", "skip_verify": False},
        "[::1]:5000": {"url": "https://[::1]:5000", "skip_verify": False},
    }


def test_an_id_of_digits_stays_text(lab: Lab) -> None:
    assert yaml.safe_load(inventory(dataclasses.replace(lab, id="0042")))["all"]["vars"]["lab_id"] == "0042"


def test_the_version_reaches_packages_and_cluster_alike(lab: Lab) -> None:
    other = changed(lab, "kubernetes", version="1.36.9")
    assert yaml.safe_load(inventory(other))["all"]["vars"]["lab_kubernetes_version"] == "1.36.9"
    assert documents(other)["ClusterConfiguration"]["kubernetesVersion"] == "v1.36.9"
