"""What kubectl was told by a real API server 1.36.2, command by command (kubectl.json), held against what answers here.

The stand-in is not asked again for what differs in `create` instead of `apply` alone (`badc-...`): each start costs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet, serve_logs
from rehearsal.tests.integration.kubernetes_api.programs import real_folder

pytestmark = pytest.mark.network

NAMESPACE = "lab-verify-abc123"
ACCOUNT = ("get", "serviceaccount", "default", "-n", NAMESPACE)
AGAIN = "badc-"
CHANGED = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d, namespace: NAMESPACE}\ndata: {a: "1"}\n'

# Where the stand-in answers something else, and why it may.
NOT_SERVED = "neither the product nor a rehearsal asks for it: the stand-in says so, or has no such kind"
WORDS = "refused as well, in other words, which nothing reads"
KINDER = "not proven here: the stand-in takes it, and a real server alone refuses it"
DIFFERENT = {
    name: reason
    for reason, names in {
        NOT_SERVED: """create-ns create-ns-again rollout-undo cani-create-pods cani-node-create-pods cani-delete-nodes
            cani-node-delete-nodes cani-get-secrets cani-node-get-secrets cani-node-get-own cani-node-get-other
            cani-list whoami whoami-adm bad-list bad-sec bad-svclbip bad-npcidr bad-ver bad-kind bad-quota quota-del
            cr-immediately webhook webhook-del explain componentstatuses fieldsel-bad""",
        WORDS: "bad-doc bad-novol bad-svcport bad-svcclusterip cr-type cr-unknown",
        KINDER: """bad-res bad-req>lim bad-dupname bad-selector bad-probe bad-env bad-envboth bad-fieldref bad-spread
            bad-type bad-cmdata bad-cmkey bad-secret bad-svcproto bad-svcnodeport-cip bad-dstrat bad-dmax bad-nptype
            bad-pvcsize bad-pvcmode bad-scparam bad-pdb quota-pod webhook-refuses psa-pod""",
        "the path that the kubelet was asked by ends with an empty query": "logs",
    }.items()
    for name in names.split()
}


@pytest.fixture
def fresh(kubectl: Path, tmp_path: Path) -> Iterator[ControlPlane]:
    """A control plane of its own, with the three nodes of the recording."""
    plane = ControlPlane(tmp_path, kubectl)
    kubelets = []
    try:
        plane.start_all()
        logs = serve_logs(*plane.pki.issue("kubelet-serving", "kubelet"), plane.pki.ca)
        for name in ("cp1", "w1", "w2"):
            credential = plane.pki.kubeconfig(name, plane.server, f"system:node:{name}", ("system:nodes",))
            kubelets.append(FakeKubelet(credential, name, port=logs.server_address[1]).start())
        eventually(lambda: plane.kubectl("get", "nodes", "--no-headers").count(" Ready ") == len(kubelets))
        yield plane
    finally:
        for kubelet in kubelets:
            kubelet.stop()
        plane.stop()


def _told(text: str) -> str:
    """Words, wherever the lines end."""
    return re.sub(r"\s+", " ", text).strip()


def _difference(plane: ControlPlane, command: dict[str, Any], file: Path) -> str:
    words = [str(file) if word == file.name else word for word in command["kubectl"]]
    credential = plane.pki.folder / f"{command['as']}.conf" if "as" in command else None
    done = plane.try_kubectl(*words, stdin=command.get("stdin", ""), kubeconfig=credential)
    if done.returncode != command["code"]:
        return f"exit {done.returncode}, recorded {command['code']}: {done.stderr or done.stdout}"
    for kept, now in (("stderr", done.stderr), ("stdout", done.stdout)):
        if kept in command and _told(command[kept]) != _told(now):
            return f"other words: {now}"
    return ""


def test_kubectl_is_told_what_a_real_server_told_it_or_there_is_a_reason(fresh: ControlPlane, tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(CHANGED.replace("NAMESPACE", NAMESPACE), encoding="utf-8")
    commands = json.loads((Path(__file__).parent / "kubectl.json").read_text(encoding="utf-8"))["commands"]
    found = {}
    for command in commands:
        if command["name"].startswith(AGAIN) and not real_folder():
            continue
        if told := _difference(fresh, command, file):
            found[command["name"]] = told
        if command["name"] == "create-ns":  # protobuf, which the stand-in does not serve
            fresh.apply_object("Namespace", NAMESPACE)
            eventually(lambda: fresh.try_kubectl(*ACCOUNT).returncode == 0)
    expected = set() if real_folder() else set(DIFFERENT)
    assert found.keys() == expected, {name: found.get(name, "alike") for name in found.keys() ^ expected}
