"""What the storage stage applies, as real kubectl makes it of the driver's manifests, and a class that is there."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.k8s.events import Run
from labkit.project import ROOT
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
NAMES = ("csi-nfs-controller.yaml", "csi-nfs-driverinfo.yaml", "csi-nfs-node.yaml", "rbac-csi-nfs.yaml")
OLDER = '{"onDelete":"retain","server":"10.190.87.16","share":"/srv/nfs","subDir":"x"}'


def play(begun: Begun, folder: Path) -> Run:
    served = folder / "served"
    served.mkdir(exist_ok=True)
    for name in NAMES:
        shutil.copy(ROOT / "rehearsal" / "kubernetes" / "manifests" / name, served)
    sums = {name: hashlib.sha256((served / name).read_bytes()).hexdigest() for name in NAMES}
    return begun.play(
        "5-storage.yml", "cp1", role="csi", csi_checksums=sums, csi_folder="served", manifests_url=folder.as_uri(),
        manifests_checksums="pinned", manifests_cache=str(folder / "cache"),
    )  # fmt: skip


def kustomized(folder: Path) -> dict[str, dict[str, Any]]:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(done.stdout)}


def test_volumes_can_be_written_by_anybody_and_grown_and_no_snapshotter_asks_for_what_is_not_there(
    begun: Begun, tmp_path: Path
) -> None:
    """Kubernetes refuses another parameter of a StorageClass: one that is there gives way to the new one."""
    begun.put("/etc/kubernetes/admin.conf")
    begun.world("api")
    (begun.seen / "storageclass").write_text(OLDER, encoding="utf-8")
    run = play(begun, tmp_path)
    assert run.result == "success", run.failures
    assert not (begun.seen / "storageclass").exists()
    objects = kustomized(begun.file("/etc/kubernetes/lab/csi-driver-nfs"))
    of_class = objects["StorageClass/nfs-csi"]
    assert of_class["parameters"]["mountPermissions"] == "0777"
    assert of_class["parameters"]["subDir"] == "${pvc.metadata.namespace}/${pvc.metadata.name}"
    assert of_class["allowVolumeExpansion"] is True
    containers = objects["Deployment/csi-nfs-controller"]["spec"]["template"]["spec"]["containers"]
    names = {container["name"] for container in containers}
    assert names == {"csi-provisioner", "csi-resizer", "liveness-probe", "nfs"}
