"""After each of six failures one file says what happened to somebody who was not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from rehearsal.room.layout import HOST_PASSWORD
from tests import summary
from tests.rehearsal.rehearsing import Rehearsal, eventually

MGMT = 0
PATIENCE_S = 20  # with verification, and with SSH
GRACE_S = 60  # after so long at most a node without heartbeats is not Ready
CONTAINERD = "/etc/containerd/config.toml"
Act = Callable[[Rehearsal], object]


@dataclass(frozen=True)
class Failure:
    """What breaks and repairs something, the command that meets it, and where in the bundle its cause stands."""

    how: Act
    repair: Act
    command: str
    file: str
    cause: str


def on(machine: str, command: str) -> Act:
    return lambda room: room.on(machine, command)


def kubelet_stops(room: Rehearsal) -> None:
    room.on("w2", "systemctl stop kubelet")
    eventually(lambda: room.ready()["w2"] == "True", False, GRACE_S)


def winrm_of_pc2(*faults: dict[str, str]) -> Act:
    return lambda room: (room.host("pc2").folder / "faults.json").write_text(json.dumps(faults), encoding="utf-8")


def hyperv_of_pc1(status: str) -> Act:
    def change(room: Rehearsal) -> None:
        with room.host("pc1").change() as state:
            state["services"]["vmms"] = status

    return change


FAILURES = {
    "nginx is stopped": Failure(
        on("bootstrap", "systemctl stop nginx"), on("bootstrap", "systemctl start nginx"),
        "pxe.check", "machines/bootstrap.txt", "nginx: inactive",
    ),
    "a kubelet is stopped": Failure(
        kubelet_stops, on("w2", "systemctl start kubelet"),
        "verify.nodes", "machines/w2.txt", "kubelet: inactive",
    ),
    "containerd's configuration is spoilt": Failure(
        on("w1", f"cp -p {CONTAINERD} /root/ && echo 'version = x' > {CONTAINERD}; systemctl restart containerd; true"),
        on("w1", f"mv /root/config.toml {CONTAINERD} && systemctl restart containerd"),
        "verify.nodes", "machines/w1.txt", "containerd: failed",
    ),
    "a cable is out": Failure(
        lambda room: room.pull("storage1", MGMT), lambda room: room.pull("storage1", MGMT, "up"),
        "nfs.server", "contents.txt", "not there: storage1 ",
    ),
    "a PC refuses": Failure(
        winrm_of_pc2({"kind": "refuse"}), winrm_of_pc2(),
        "hyperv.status", "contents.txt", "not there: host pc2 ",
    ),
    "Hyper-V is stopped": Failure(
        hyperv_of_pc1("Stopped"), hyperv_of_pc1("Running"),
        "hyperv.create", "contents.txt", "vmms",
    ),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_bundle_after_a_failure_shows_its_cause_and_no_secret(
    room: Rehearsal, tmp_path: Path, failure: Failure, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "failed.bundle.zip"
    failure.how(room)
    try:
        failed = room.inv(failure.command, file=room.impatient(verify_s=PATIENCE_S, ssh_s=PATIENCE_S))
        run = room.inv("lab.bundle", "--file", str(file))
    finally:
        failure.repair(room)
    assert failed.code, failed
    assert "lab.bundle` puts" in failed.output
    assert (run.code, run.mutating) == (0, []), run
    with ZipFile(file) as archive:
        found = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    lines = [line.strip() for line in found[failure.file].splitlines() if failure.cause in line]
    assert lines, f"{failed}\n{found['contents.txt']}\n{found[failure.file]}"
    assert f"exit code {failed.code}; error: " in found["contents.txt"]
    summary.say(f"bundle, {request.node.callspec.id}: {failure.file}: {lines[0][:120]}")
    assert any(name.startswith("ansible/") and "stats" in text for name, text in found.items())
    key = room.state.joinpath("id_ed25519").read_text().split()[5]  # after the head and a line that all keys have
    assert [name for name, text in found.items() if key in text or HOST_PASSWORD in text] == []
