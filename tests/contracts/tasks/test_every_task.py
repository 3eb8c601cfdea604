"""Every task, typed at the real `inv` against a lab in memory: its exit code and its words."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import tasks
from tests.contracts.tasks.conftest import Inv
from tests.contracts.tasks.lan import Lan


@dataclass(frozen=True)
class Run:
    """What is typed after the task's name, what the exit code is, and words of what is then said.

    `before` are lines that run first; `bare`: on two PCs that carry nothing yet.
    """

    words: str
    options: tuple[str, ...] = ()
    code: int = 0
    before: tuple[tuple[str, ...], ...] = ()
    bare: bool = False


TO_FILE = ("--file", "export.json")  # in the lab's own folder
CHECKPOINT = (("lab.stop",), ("hyperv.checkpoint", "--name", "before"))
RUNS = {
    "lab.bundle": Run("machines/w2.txt", ("--file", "bundle.zip")),
    "lab.check": Run("lab-7e57: ready to be built"),
    "lab.destroy": Run("lab.destroy destroys, in lab-7e57"),
    "lab.discard": Run("lab.discard destroys, in lab-7e57"),
    "lab.export": Run("id_ed25519", TO_FILE),
    "lab.import": Run("all there already", TO_FILE, before=(("lab.export", *TO_FILE),)),
    "lab.plan": Run("satisfied"),
    "lab.rebuild": Run("is rebuilt; what follows proves it"),
    "lab.report": Run("verify.all"),
    "lab.start": Run("lab.start", before=(("lab.stop",),)),
    "lab.status": Run("Ready"),
    "lab.stop": Run("lab.stop: changed"),
    "lab.up": Run("is built; what follows proves it", bare=True),
    "hyperv.check": Run("pc1, pc2: ready for lab-7e57"),
    "hyperv.checkpoint": Run("checkpoint before: ", ("--name", "before"), before=(("lab.stop",),)),
    "hyperv.checkpoints": Run("checkpoints of lab-7e57", before=CHECKPOINT),
    "hyperv.create": Run("hyperv.create: changed", bare=True),
    "hyperv.destroy": Run("removed: w2", ("--machine", "w2")),
    "hyperv.forget": Run("removed before: bootstrap", ("--name", "before"), before=CHECKPOINT),
    "hyperv.plan": Run("what differs from rehearsal.yaml"),
    "hyperv.remove-switch": Run("stays: the lab did not make it"),
    "hyperv.restore": Run("verify.all: lab-7e57", ("--name", "before"), before=CHECKPOINT),
    "hyperv.screenshot": Run("w2.png", ("--machine", "w2")),
    "hyperv.start": Run("started: none, all run"),
    "hyperv.status": Run("lab-7e57 on its hosts"),
    "hyperv.stop": Run("stopped: w2", ("--machine", "w2")),
    "hyperv.switch": Run("full-size packets pass between pc1, pc2"),
    "hyperv.trust": Run("pc2: scheme http", ("--host", "pc2")),
    "pxe.cache-status": Run("kept on the bootstrap server"),
    "pxe.check": Run("DHCP offers w1 its address"),
    "pxe.logs": Run("installed", ("--machine", "w1")),
    "pxe.media": Run("Rocky-9-latest-x86_64-dvd.iso on pc1 is what"),
    "pxe.publish": Run("pxe.publish: changed"),
    "pxe.setup": Run("changed: pxe-services.sh"),
    "pxe.status": Run("services: as described"),
    "pxe.watch": Run("no machine is armed"),
    "os.bootstrap": Run("bootstrap answers at 192.0.2.100"),
    "os.install": Run("installed and answering: cp1"),
    "os.reinstall": Run("w2", ("--machine", "w2")),
    "os.ssh": Run("ssh -F", ("--machine", "w2", "--command", "uptime")),
    "os.status": Run("installed"),
    "os.wait": Run("w2 answers", ("--machine", "w2")),
    "k8s.add": Run("is a member of the cluster already", ("--machine", "w2"), code=6),
    "k8s.all": Run("the cluster is there"),
    "k8s.bootstrap": Run("k8s.bootstrap: "),
    "k8s.cni": Run("k8s.cni: "),
    "k8s.control-plane": Run("k8s.control-plane: "),
    "k8s.join": Run("k8s.join: "),
    "k8s.kubeconfig": Run("kubeconfig (unchanged)"),
    "k8s.load-balancer": Run("k8s.load-balancer: "),
    "k8s.prepare": Run("k8s.prepare: "),
    "k8s.replace": Run("node w2 of the cluster", ("--machine", "w2")),
    "k8s.reset": Run("k8s.reset: changed"),
    "k8s.status": Run("k8s.join: done"),
    "nfs.all": Run("the storage is there"),
    "nfs.destroy-data": Run("does not count for stored data", code=5),
    "nfs.server": Run("nfs.server: "),
    "nfs.status": Run("default/claim"),
    "nfs.storage": Run("nfs.storage: "),
    "verify.all": Run("verify.all: lab-7e57"),
    "verify.network": Run("verify.network: lab-7e57"),
    "verify.nginx": Run("nginx answers at w1"),
    "verify.nodes": Run("verify.nodes: lab-7e57"),
    "verify.status": Run("lab-7e57, verified"),
    "verify.storage": Run("verify.storage: lab-7e57"),
    "verify.system": Run("verify.system: lab-7e57"),
    "rehearsal.down": Run("-m rehearsal down"),
    "rehearsal.status": Run("-m rehearsal status"),
    "rehearsal.up": Run("-m rehearsal up"),
}


@pytest.mark.parametrize(("name", "lan"), [(name, run.bare) for name, run in RUNS.items()], indirect=["lan"])
def test_it_runs_and_says_what_it_did(
    lan: Lan, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, inv = RUNS[name], Inv(lan, monkeypatch)
    for line in run.before:
        assert inv(*line) == 0, line
    capsys.readouterr()
    code = inv(name, *run.options)
    output, errors = capsys.readouterr()
    said = f"{output}\n{errors}"
    assert (code, run.words in " ".join(said.split())) == (run.code, True), said
    assert "Traceback" not in said


def test_every_task_has_a_row_in_runs_and_every_row_a_task() -> None:
    assert set(RUNS) == set(tasks.ns.task_names)
