"""A pod's volumes, in folders of the test's own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.node import nfs
from rehearsal.kubernetes.node.volumes import VolumeError, Volumes

OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("configmaps", "settings"): {"kind": "ConfigMap", "data": {"a": "1", "b": "2"}},
    ("configmaps", "kube-root-ca.crt"): {"kind": "ConfigMap", "data": {"ca.crt": "PEM"}},
    ("persistentvolumeclaims", "data"): {"spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}},
    ("persistentvolumeclaims", "free"): {"spec": {}, "status": {"phase": "Pending"}},
    ("persistentvolumes", "pv"): {
        "spec": {"csi": {"driver": nfs.DRIVER, "volumeAttributes": {"server": "10.1.0.16", "share": "/srv/nfs"}}}
    },
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_STANDIN_ROOT", str(tmp_path))
    return tmp_path


def volumes(*entries: dict[str, Any], **spec: Any) -> Volumes:
    pod = {"metadata": {"name": "p", "namespace": "default", "uid": "u"}, "spec": {"volumes": list(entries), **spec}}
    return Volumes(pod, lambda kind, _, name: OBJECTS[kind, name], lambda pod, seconds: "TOKEN")


def test_a_config_map_is_files(root: Path) -> None:
    made = volumes({"name": "v", "configMap": {"name": "settings", "items": [{"key": "b", "path": "sub/b"}]}})
    made.prepare()
    assert (made.sources["v"] / "sub/b").read_text() == "2"
    assert not (made.sources["v"] / "a").exists()


def test_a_missing_config_map_is_a_failed_mount(root: Path) -> None:
    with pytest.raises(VolumeError, match=r'MountVolume.SetUp failed for volume "v" : configmap "gone" not found'):
        volumes({"name": "v", "configMap": {"name": "gone"}}).prepare()


def test_an_empty_dir_is_the_pods_own_and_goes_with_it(root: Path) -> None:
    made = volumes({"name": "v", "emptyDir": {}})
    made.prepare()
    assert made.sources["v"].is_dir()
    made.remove()
    assert not made.sources["v"].exists()


@pytest.mark.parametrize(("kind", "what"), [("Directory", "a directory"), ("File", "a file"), ("Socket", "a socket")])
def test_a_host_path_must_be_of_its_type(kind: str, what: str, root: Path) -> None:
    with pytest.raises(VolumeError, match=f"hostPath type check failed: /x is not {what}"):
        volumes({"name": "v", "hostPath": {"path": "/x", "type": kind}}).prepare()


def test_a_host_path_is_the_machines(root: Path) -> None:
    made = volumes({"name": "v", "hostPath": {"path": "/etc/kubernetes/x.conf", "type": "FileOrCreate"}})
    made.prepare()
    assert made.sources["v"] == root / "etc/kubernetes/x.conf"
    assert made.sources["v"].is_file()


def test_the_service_account_is_mounted_unless_it_is_refused(root: Path) -> None:
    made = volumes(serviceAccountName="robot")
    made.prepare()
    mount = made.mounts({"volumeMounts": []})[0]
    assert mount["path"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert {file.name: file.read_text() for file in Path(mount["source"]).iterdir()} == {
        "token": "TOKEN",
        "ca.crt": "PEM",
        "namespace": "default",
    }
    refused = volumes(serviceAccountName="robot", automountServiceAccountToken=False)
    refused.prepare()
    assert refused.mounts({}) == []


def test_an_unbound_claim_is_waited_for(root: Path) -> None:
    with pytest.raises(VolumeError, match='persistentvolumeclaim "free" not bound'):
        volumes({"name": "v", "persistentVolumeClaim": {"claimName": "free"}}).prepare()


def test_a_node_without_the_driver_does_not_mount(root: Path) -> None:
    with pytest.raises(VolumeError, match="not found in the list of registered CSI drivers"):
        volumes({"name": "v", "persistentVolumeClaim": {"claimName": "data"}}).prepare()


def test_a_refused_mount_carries_mounts_own_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = root / "bin"
    programs.mkdir()
    (programs / "mount").write_text("#!/bin/sh\necho \"mount: $4: unknown filesystem type '$2'.\" >&2\nexit 32\n")
    (programs / "mount").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.chdir(root)
    registry = root / "var/lib/kubelet/plugins_registry"
    registry.mkdir(parents=True)
    monkeypatch.setattr(nfs, "registered", lambda: True)
    with pytest.raises(VolumeError) as caught:
        volumes({"name": "v", "persistentVolumeClaim": {"claimName": "data"}}).prepare()
    text = str(caught.value)
    assert "mount failed: exit status 32" in text
    assert "Mounting arguments: -t nfs4 10.1.0.16:/srv/nfs " in text
    assert "unknown filesystem type 'nfs4'" in text


def test_a_driver_is_known_by_its_registrars_socket(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = root / "var/lib/kubelet/plugins_registry"
    registry.mkdir(parents=True)
    assert not nfs.registered()
    monkeypatch.chdir(registry)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{nfs.DRIVER}-reg.sock")
        assert nfs.registered()
