"""The images that are kept are those of Kubernetes, of the add-ons' own manifests, and of verification."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.description.lab import Lab
from labkit.errors import LabError
from labkit.pxe import images
from labkit.verify import nginx, storage
from rehearsal.kubernetes import manifests
from rehearsal.kubernetes.kubeadm import defaults

FOLDERS = {"calico": "projectcalico/", "flannel": "flannel-io/", "csi": "kubernetes-csi/", "load_balancer": "metallb/"}


def named(value: Any) -> set[str]:
    """Every image that a manifest names."""
    if isinstance(value, dict):
        own = {value["image"]} if isinstance(value.get("image"), str) else set()
        return own | {image for inner in value.values() for image in named(inner)}
    return {image for inner in value for image in named(inner)} if isinstance(value, list) else set()


def repositories(found: set[str]) -> list[str]:
    return sorted({image.rpartition(":")[0] for image in found})


@pytest.mark.parametrize("add_on", images.ADD_ONS)
def test_an_add_ons_images_are_those_of_its_manifests(add_on: str) -> None:
    texts = [text for path, text in manifests.tree().items() if path.startswith(FOLDERS[add_on])]
    found = named([list(yaml.safe_load_all(text)) for text in texts])
    assert repositories(found) == sorted(images.ADD_ONS[add_on])


def test_kubernetes_images_are_those_that_kubeadm_names(lab: Lab) -> None:
    version = lab.kubernetes.version
    cluster = {
        "imageRepository": "registry.k8s.io",
        "kubernetesVersion": f"v{version}",
        "dns": {},
        "etcd": {"local": {}},
    }
    named_there = set(defaults.images(cluster))
    assert repositories(named_there) == sorted(images.KUBEADM)
    assert set(images.known(lab)) - {images.WEB_SERVER, images.SHELL} == named_there
    assert images.pinned("containerd", "containerd_sandbox_image") in named_there


def test_the_manifests_are_those_that_the_roles_pin(lab: Lab) -> None:
    pins = images.manifests(lab)
    assert set(pins) == {path for path in manifests.tree() if not path.startswith("flannel-io/")}
    assert all(len(digest) == 64 for digest in pins.values())


def test_a_role_that_only_ansible_can_read_is_told_by_name() -> None:
    with pytest.raises(
        LabError, match="cni_pod_cidr cannot be read from ansible/roles/cni: 'lab_pod_cidr' is undefined"
    ):
        images.pinned("cni", "cni_pod_cidr")


def test_a_lab_has_its_own_network_plugin_and_a_load_balancer_where_it_has_addresses(lab: Lab) -> None:
    flannel = replace(lab, kubernetes=lab.kubernetes.model_copy(update={"cni": "flannel"}), address_pool=None)
    assert set(images.repositories(lab)) ^ set(images.repositories(flannel)) == {
        *images.ADD_ONS["calico"], *images.ADD_ONS["flannel"], *images.ADD_ONS["load_balancer"],
    }  # fmt: skip
    assert {nginx.IMAGE.partition(":")[0], storage.IMAGE.partition(":")[0]} < set(images.repositories(flannel))


def test_a_users_own_version_of_an_add_on_is_the_one_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "roles/cni/defaults": "version: v1",
        "group_vars": "version: v2",
        "roles/cni/vars": "paths: {calico: 'a/{{ version }}/b'}",
    }
    for folder, text in texts.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / ("all.yml" if folder == "group_vars" else "main.yml")).write_text(text)
    monkeypatch.setattr(images, "ANSIBLE", tmp_path)
    assert images.pinned("cni", "paths") == {"calico": "a/v2/b"}
