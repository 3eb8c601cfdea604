"""An nginx replica is a process on its node; it answers with the node's name, asked from the controller's network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.rehearsing import Rehearsal, eventually

SPACE = "rehearsal-nginx"
MANIFEST = Path(__file__).with_name("nginx.yaml")
WORKERS = {"w1", "w2", "w3"}
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode().strip())"


@pytest.fixture(scope="module")
def served(room: Rehearsal) -> Iterator[Rehearsal]:
    """nginx on every worker, behind port 30080 of every node."""
    room.kubectl("apply", "--server-side", "--filename", str(MANIFEST))
    room.kubectl("--namespace", SPACE, "rollout", "status", "daemonset/nginx", "--timeout=50s")
    yield room
    room.kubectl("delete", "namespace", SPACE, "--wait=true", "--timeout=50s")


def _ask(room: Rehearsal, node: str) -> str:
    return room.ask(sys.executable, "-c", ASK, f"http://{room.lab.machine(node).external.address}:30080/").strip()


def _restarts(room: Rehearsal, node: str) -> int:
    words = ("get", "pods", f"--field-selector=spec.nodeName={node}", "--output=json")
    (pod,) = json.loads(room.kubectl("--namespace", SPACE, *words))["items"]
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def test_the_controller_hears_each_replica_name_its_node(served: Rehearsal) -> None:
    heard: set[str] = set()

    def all_heard() -> bool:
        heard.update(_ask(served, node) for node in ("w1", "w2", "w3"))
        return heard == WORKERS

    eventually(all_heard, True, timeout_s=60)


def test_a_replica_is_a_process_on_its_node_and_no_other(served: Rehearsal) -> None:
    running = served.on("w1", "pgrep -fc '^nginx: master process'").strip()
    assert running == "1"
    assert served.on("cp1", "pgrep -fc '^nginx: master process' || true").strip() == "0"


def test_killing_the_process_is_seen_by_the_kubelet_which_starts_another(served: Rehearsal) -> None:
    old = served.on("w1", "pgrep -f '^nginx: (master|worker) process'").split()
    assert _restarts(served, "w1") == 0
    served.on("w1", f"kill -KILL {' '.join(old)}")
    eventually(lambda: _restarts(served, "w1"), 1, timeout_s=60)
    served.kubectl("--namespace", SPACE, "rollout", "status", "daemonset/nginx", "--timeout=50s")
    assert not set(old) & set(served.on("w1", "pgrep -f '^nginx: (master|worker) process'").split())
