"""Manifests and packages: under the upstream names, with what others patch and pin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.kubernetes import manifests, packages
from rehearsal.kubernetes.images import table
from rehearsal.kubernetes.node.images import short_name

PATHS = {
    "calico": "projectcalico/calico/v3.32.1/manifests/calico.yaml",
    "flannel": "flannel-io/flannel/v0.28.9/Documentation/kube-flannel.yml",
    "controller": "kubernetes-csi/csi-driver-nfs/v4.13.4/deploy/v4.13.4/csi-nfs-controller.yaml",
    "node": "kubernetes-csi/csi-driver-nfs/v4.13.4/deploy/v4.13.4/csi-nfs-node.yaml",
    "rbac": "kubernetes-csi/csi-driver-nfs/v4.13.4/deploy/v4.13.4/rbac-csi-nfs.yaml",
    "load balancer": "metallb/metallb/v0.16.1/config/manifests/metallb-native.yaml",
    "driver": "kubernetes-csi/csi-driver-nfs/v4.13.4/deploy/v4.13.4/csi-nfs-driverinfo.yaml",
}


def objects(name: str) -> dict[str, dict[str, Any]]:
    parsed = yaml.safe_load_all(manifests.tree()[PATHS[name]])
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in parsed if body}


def test_the_tree_has_exactly_the_upstream_paths() -> None:
    assert set(manifests.tree()) == set(PATHS.values())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("calico", ["DaemonSet/calico-node", "Deployment/calico-kube-controllers", "ConfigMap/calico-config"]),
        ("flannel", ["Namespace/kube-flannel", "DaemonSet/kube-flannel-ds", "ConfigMap/kube-flannel-cfg"]),
        ("controller", ["Deployment/csi-nfs-controller"]),
        ("node", ["DaemonSet/csi-nfs-node"]),
        ("rbac", ["ServiceAccount/csi-nfs-controller-sa", "ClusterRole/nfs-external-provisioner-role"]),
        ("driver", ["CSIDriver/nfs.csi.k8s.io"]),
        (
            "load balancer",
            ["Deployment/controller", "DaemonSet/speaker", "CustomResourceDefinition/ipaddresspools.metallb.io"],
        ),
    ],
)
def test_objects_have_the_upstream_names(name: str, wanted: list[str]) -> None:
    assert set(wanted) <= set(objects(name))


@pytest.mark.parametrize("name", PATHS)
def test_every_object_says_that_it_is_a_stand_in(name: str) -> None:
    assert manifests.tree()[PATHS[name]].startswith(b"# STAND-IN for ")
    assert all(body["metadata"]["annotations"]["stand-in"] for body in objects(name).values())


def workloads() -> list[dict[str, Any]]:
    addons = yaml.safe_load_all((Path(packages.__file__).parent / "kubeadm/addons.yaml").read_text())
    bodies = [body for name in PATHS for body in objects(name).values()] + list(addons)
    return [body for body in bodies if body["kind"] in ("DaemonSet", "Deployment")]


def test_every_image_of_a_manifest_exists() -> None:
    named = {"${coredns_image}": "coredns", "${proxy_image}": "kube-proxy"}
    for body in workloads():
        spec = body["spec"]["template"]["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert named.get(container["image"], short_name(container["image"])) in table.IMAGES


def test_every_mount_has_its_volume() -> None:
    for body in workloads():
        spec = body["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    return {package.file_name: package for package in packages.packages("1.36.4", Path("/bin/true"))["kubernetes"]}


def test_packages_have_the_upstream_names_and_two_patches(built: dict[str, Any]) -> None:
    names = [(package.name, package.version) for package in built.values()]
    assert len(names) == len(set(names))
    for name in ("kubeadm", "kubelet", "kubectl"):
        assert {version for package, version in names if package == name} == {"1.36.3", "1.36.4"}
    assert ("cri-tools", "1.36.0") in names


def test_a_first_patch_has_none_before_it() -> None:
    assert packages.earlier_patch("1.37.0") is None


def test_programs_know_their_packages_version(built: dict[str, Any]) -> None:
    for version in ("1.36.3", "1.36.4"):
        script = built[f"kubeadm-{version}-1.x86_64.rpm"].files["/usr/bin/kubeadm"]
        assert f"LAB_STANDIN_VERSION={version}".encode() in script


def test_shared_files_are_equal_in_both_packages(built: dict[str, Any]) -> None:
    kubeadm, kubelet = built["kubeadm-1.36.4-1.x86_64.rpm"].files, built["kubelet-1.36.4-1.x86_64.rpm"].files
    shared = kubeadm.keys() & kubelet.keys()
    assert any(path.endswith("rehearsal_api/__main__.py") for path in shared)
    assert all(kubeadm[path] == kubelet[path] for path in shared)


def test_the_kubelet_survives_as_upstream_ships_it(built: dict[str, Any]) -> None:
    unit = built["kubelet-1.36.4-1.x86_64.rpm"].files["/usr/lib/systemd/system/kubelet.service"].decode()
    drop_in = (
        built["kubeadm-1.36.4-1.x86_64.rpm"].files["/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf"].decode()
    )
    assert "Restart=always" in unit
    assert "KillMode=process" in unit
    assert "ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS" in drop_in
    assert "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf" in drop_in
    assert "EnvironmentFile=-/etc/sysconfig/kubelet" in drop_in


def test_node_side_code_needs_only_what_machines_have() -> None:
    allowed = ("import yaml", "from cryptography", "from rehearsal.kubernetes.", "from .")
    foreign = (
        "labkit",
        "requests",
        "invoke",
        "fabric",
        "pydantic",
        "rich",
        "jinja2",
        "rehearsal.upstream",
        "rehearsal.room",
    )
    for path, content in packages.tree():
        for line in content.decode().splitlines():
            if line.startswith(("import ", "from ")) and not line.startswith(allowed):
                assert not any(name in line for name in foreign), f"{path}: {line}"
