"""What a change of the description does to a living lab: docs/changes.md, row by row, typed at the real `inv`.

Each row is a lab that was built and runs, a description of it with one thing changed, and a line that is typed with
that. Either it is refused, and neither the PCs nor the machines are other than before, or it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labkit.project import ROOT
from tests.contracts.tasks.conftest import LAB, Inv
from tests.contracts.tasks.lan import Lan


@dataclass(frozen=True)
class Change:
    """What is written instead of what in the description, and words of what each line then says.

    `refused` are lines that end with exit code 6, `done` lines that succeed, one after the other.
    """

    written: dict[str, str]
    refused: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)


ANEW = "`inv -f {file} k8s.reset`, then `inv -f {file} k8s.all`"
CHANGES = {
    "kubernetes.version: higher": Change(
        {"version: 1.36.4": "version: 1.37.0"},
        refused={
            "lab.up": "was made with kubernetes.version 1.36.4, {name} says 1.37.0",
            "k8s.prepare": ANEW,
            "k8s.cni": ANEW,
            "k8s.replace --machine w2": ANEW,
            "k8s.add --machine w2": ANEW,
        },
        done={"lab.check": "1.37.0", "lab.rebuild": "is rebuilt", "k8s.prepare": "k8s.prepare: "},
    ),
    "kubernetes.version: lower": Change(
        {"version: 1.36.4": "version: 1.36.3"},
        refused={"lab.up": "packages are not taken back: `inv -f {file} lab.rebuild`"},
        done={"lab.rebuild": "is rebuilt"},
    ),
    "kubernetes.pod_cidr": Change(
        {"pod_cidr: 10.244.0.0/16": "pod_cidr: 10.200.0.0/16"},
        refused={"lab.up": ANEW, "k8s.prepare": "kubernetes.pod_cidr 10.244.0.0/16"},
        done={"k8s.reset": "k8s.reset: changed", "k8s.all": "the cluster is there"},
    ),
    "kubernetes.service_cidr": Change(
        {"service_cidr: 10.96.0.0/12": "service_cidr: 10.112.0.0/12"},
        refused={"lab.up": ANEW, "k8s.control-plane": "kubernetes.service_cidr 10.96.0.0/12"},
    ),
    "kubernetes.cni": Change(
        {"cni: calico": "cni: flannel"},
        refused={"lab.up": ANEW, "k8s.cni": "kubernetes.cni calico"},
    ),
    "external.address_pool": Change(
        {"192.0.2.120-192.0.2.129": "192.0.2.120-192.0.2.139"},
        done={"lab.check": "ready to be built", "lab.up": "is built"},
    ),
    "external.nameservers": Change(
        {"nameservers: []": "nameservers: [192.0.2.53]"},
        refused={
            "lab.up": "w1 has the name servers 192.0.2.1 on EXTERNAL, {name} says the name servers 192.0.2.53",
            "k8s.prepare": "sudo nmcli connection modify 'eth2' ipv4.addresses 192.0.2.102/24 ipv4.gateway 192.0.2.1"
            " ipv4.dns 192.0.2.53",
            "lab.check": "`inv -f {file} os.reinstall --machine bootstrap`",
            "lab.rebuild": "`inv -f {file} os.reinstall --machine bootstrap`",
        },
        done={"os.reinstall --machine bootstrap": "os.reinstall: changed", "lab.rebuild": "is rebuilt"},
    ),
    "external.gateway": Change(
        {"gateway: 192.0.2.1\n": "gateway: 192.0.2.2\n"},
        refused={
            "lab.up": "{name} says the gateway 192.0.2.2",
            "lab.rebuild": "ipv4.gateway 192.0.2.2",
        },
    ),
    "external.first_address": Change(
        {"first_address: 192.0.2.100": "first_address: 192.0.2.140"},
        refused={
            "lab.up": "bootstrap was entered at 192.0.2.100, {name} says 192.0.2.140, where nothing answers",
            "os.bootstrap": "docs/changes.md",
            "lab.check": "was entered at 192.0.2.100",
            "lab.rebuild": "`inv -f {file} os.reinstall --machine bootstrap`, then `inv -f {file} lab.rebuild`",
        },
        done={"os.reinstall --machine bootstrap": "os.reinstall: changed", "lab.rebuild": "is rebuilt"},
    ),
    "external.cidr": Change(
        {"192.0.2.": "198.51.100."},
        refused={
            "lab.up": "bootstrap was entered at 192.0.2.100, {name} says 198.51.100.100",
            "lab.check": "docs/changes.md",
        },
        done={"os.reinstall --machine bootstrap": "os.reinstall: changed"},
    ),
    "a machine's MAC: worker": Change(
        {"w2, number: 4,": "w2, number: 4, mac: '02:7e:57:01:00:44',"},
        refused={
            "lab.up": "w2: inv -f {file} hyperv.destroy --machine w2, then inv -f {file} lab.up",
            "os.install": "w2 was installed with the MAC 027E57010004 of mgmt, {name} says 027E57010044",
        },
        done={
            "hyperv.destroy --machine w2": "removed: w2",
            "lab.up": "installed and answering: cp1, w1, w2",
        },
    ),
    "a machine's MAC: its address in MGMT": Change(
        {"w2, number: 4,": "w2, number: 4, address: 10.190.86.99,"},
        refused={
            "lab.up": "w2 was installed with the MGMT address 10.190.86.14, {name} says 10.190.86.99",
            "pxe.publish": "w2: inv -f {file} hyperv.destroy --machine w2, then inv -f {file} lab.up",
        },
        done={"hyperv.destroy --machine w2": "removed: w2", "lab.up": "installed and answering: cp1, w1, w2"},
    ),
    "a machine's MAC: control plane": Change(
        {"cp1, number: 2,": "cp1, number: 2, mac: '02:7e:57:01:00:22',"},
        refused={"lab.up": "cp1: inv -f {file} lab.rebuild"},
        done={"lab.check": "ready to be built", "lab.rebuild": "is rebuilt"},
    ),
    "a machine's PC: worker": Change(
        {
            "w1, number: 3, host: pc1": "w1, number: 3, host: pc2",
            "w2, number: 4, host: pc2": "w2, number: 4, host: pc1",
        },
        refused={
            "lab.up": "w1: inv -f {file} hyperv.destroy --machine w1, then inv -f {file} lab.up",
            "lab.rebuild": "it is lab-7e57-w1 on pc1 and described on pc2",
        },
        done={
            "hyperv.destroy --machine w1": "removed: w1",
            "hyperv.destroy --machine w2": "removed: w2",
            "lab.up": "is built",
        },
    ),
    "a machine's PC: control plane": Change(
        {
            "cp1, number: 2, host: pc1": "cp1, number: 2, host: pc2",
            "w2, number: 4, host: pc2": "w2, number: 4, host: pc1",
        },
        refused={
            "lab.up": "cp1: inv -f {file} hyperv.destroy --machine cp1, then inv -f {file} lab.rebuild",
            "lab.rebuild": "w2: inv -f {file} hyperv.destroy --machine w2, then inv -f {file} lab.up",
        },
        done={
            "hyperv.destroy --machine cp1": "removed: cp1",
            "hyperv.destroy --machine w2": "removed: w2",
            "lab.rebuild": "is rebuilt",
        },
    ),
    "a machine's PC: storage": Change(
        {
            "storage1, number: 6, host: pc2": "storage1, number: 6, host: pc1",
            "w1, number: 3, host: pc1": "w1, number: 3, host: pc2",
        },
        refused={
            "lab.up": ".vhdx.lab.json) stays on pc2, with all that is stored: copy both into the same folder on pc1"
        },
    ),
    "a machine's sizes: memory": Change(
        {
            "w2, number: 4, host: pc2, roles: [worker], cpus: 2, memory_mb: 4096": "w2, number: 4, host: pc2,"
            " roles: [worker], cpus: 2, memory_mb: 3072"
        },
        refused={"lab.up": "w2: inv -f {file} hyperv.stop --machine w2 hyperv.create, then inv -f {file} lab.up"},
        done={"hyperv.stop --machine w2 hyperv.create": "memory", "lab.up": "is built"},
    ),
    "a machine's sizes: system disk": Change(
        {
            "w2, number: 4, host: pc2, roles: [worker], cpus: 2, memory_mb: 4096, disk_gb: 40": "w2, number: 4,"
            " host: pc2, roles: [worker], cpus: 2, memory_mb: 4096, disk_gb: 60"
        },
        refused={"lab.up": "w2: inv -f {file} hyperv.destroy --machine w2, then inv -f {file} lab.up"},
        done={"hyperv.destroy --machine w2": "removed: w2", "lab.up": "is built"},
    ),
    "a machine's sizes: data disk": Change(
        {"data_disk_gb: 100": "data_disk_gb: 200"},
        refused={
            "lab.up": "set data_disk_gb: 100; without what is stored: inv -f {file} hyperv.destroy --machine storage1",
            "lab.rebuild": "then inv -f {file} lab.up",
        },
    ),
    "lab.id": Change(
        {"id: '7e57'": "id: '7e59'"},
        refused={
            "lab.check": "lab-7e57 is there: with its id in the description, `inv -f {file} lab.destroy`",
            "lab.up": "lab-7e57 is there",
        },
    ),
    "a PC's address": Change(
        {"pc1: {address: 192.0.2.11}": "pc1: {address: 192.0.2.13}"},
        done={"lab.check": "ready to be built", "lab.up": "is built"},
    ),
}
DOCUMENT = ROOT / "docs" / "changes.md"
ROWS = [pytest.param(change, False, id=name) for name, change in CHANGES.items()]


def state(lan: Lan) -> tuple[object, ...]:
    """All that a line could have changed: the PCs, and what is on the machines."""
    pcs = [pc.read() for pc in lan.pcs.values()]
    return pcs, lan.facts.files, sorted(lan.facts.done), lan.facts.systems, lan.facts.armed


@pytest.mark.parametrize(("change", "lan"), ROWS, indirect=["lan"])
def test_it_is_refused_before_anything_was_changed_or_applied(
    lan: Lan, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(LAB).read_text(encoding="utf-8")
    for before, now in change.written.items():
        assert before in text
        text = text.replace(before, now)
    inv, file = Inv(lan, monkeypatch), tmp_path / Path(LAB).name
    file.write_text(text, encoding="utf-8")
    inv.file = str(file)
    before_all = repr(state(lan))
    for code, lines in ((6, change.refused), (0, change.done)):
        for line, words in lines.items():
            ended = inv(*line.split())
            said = " ".join("\n".join(capsys.readouterr()).split())
            assert (ended, words.format(file=file, name=file.name) in said) == (code, True), (line, said)
            assert code == 0 or repr(state(lan)) == before_all, line


def test_the_document_has_a_row_for_each_change_that_names_the_lines_which_apply_it() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = {cells[1].strip(" `"): line for line in lines if len(cells := line.split("|")) == 5}
    typed: dict[str, set[str]] = {}
    for name, change in CHANGES.items():
        typed.setdefault(name.partition(":")[0], set()).update(change.done)
    assert [row for row in rows if row not in ("change", "---")] == list(typed)
    for row, done in typed.items():
        absent = [line for line in done - {"lab.check"} if f"`inv {line}`" not in rows[row]]
        assert absent == [], row


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_a_lab_whose_machines_were_given_the_new_rooms_addresses_moves_with_its_cluster(
    lan: Lan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inv, file = Inv(lan, monkeypatch), tmp_path / Path(LAB).name
    file.write_text(Path(LAB).read_text(encoding="utf-8").replace("192.0.2.", "198.51.100."), encoding="utf-8")
    inv.file = str(file)
    for settings in lan.facts.outside.values():  # by nmcli
        settings.update({key: value.replace("192.0.2.", "198.51.100.") for key, value in settings.items()})
    systems = dict(lan.facts.systems)
    assert inv("lab.up") == 8
    assert "1 of 28 checks failed in lab-7e57: certificate of the API server" in " ".join(
        capsys.readouterr().err.split()
    )
    lan.facts.names = [name.replace("192.0.2.", "198.51.100.") for name in lan.facts.names]  # by kubeadm
    assert inv("verify.system") == 0
    assert lan.facts.systems == systems
