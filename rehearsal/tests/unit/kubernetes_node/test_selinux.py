"""Containers that SELinux confines may not use the machine's own places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.node import selinux

Object = dict[str, Any]
LABELS = """\
version = 3
[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = {}
"""


def pod(path: str, *, read_only: bool = False, **security: Any) -> tuple[Object, Object]:
    """A pod with one folder of the machine, and its container."""
    mount = {"name": "data", "mountPath": "/data", "readOnly": read_only}
    container = {"name": "main", "volumeMounts": [mount], "securityContext": security}
    return {"spec": {"volumes": [{"name": "data", "hostPath": {"path": path}}], "containers": [container]}}, container


@pytest.mark.parametrize(
    ("path", "read_only", "denied"),
    [
        ("/etc/kubernetes/pki", True, True),
        ("/etc/kubernetes/scheduler.conf", True, True),
        ("/var/lib/etcd", False, True),
        ("/etc/cni/net.d", False, True),
        ("/etc/cni/net.d", True, False),
        ("/etc/kubernetes-of-mine", False, False),
        ("/var/lib/calico", False, False),
    ],
)
def test_a_place_is_denied_by_its_label(path: str, read_only: bool, denied: bool) -> None:
    said = selinux.denial(*pod(path, read_only=read_only))
    assert said == (f"open {path}: permission denied" if denied else None)


@pytest.mark.parametrize("security", [{"privileged": True}, {"seLinuxOptions": {"type": "spc_t"}}])
def test_who_is_privileged_or_unconfined_is_free(security: Object) -> None:
    assert selinux.denial(*pod("/var/lib/etcd", **security)) is None


@pytest.mark.parametrize(
    ("mode", "labelled", "confined"),
    [("enforcing", "true", True), ("permissive", "true", False), ("enforcing", "false", False)],
)
def test_containers_are_confined_by_both_the_host_and_containerd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, labelled: str, confined: bool
) -> None:
    monkeypatch.setenv("LAB_STANDIN_ROOT", str(tmp_path))
    for place, text in ((selinux.MODE, f"{mode}\n"), (selinux.CONTAINERD, LABELS.format(labelled))):
        file = tmp_path / place.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert selinux.confines() is confined
