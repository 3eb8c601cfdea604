"""What one version of this project left, the next one reads: `.lab/`, marks on PCs, records on the bootstrap server.

tests/golden/state/N/ holds a small lab's, as version N writes them; its keys open nothing. A change of what is
written fails here, until there is a folder with the next number (`versions.STATE`, then `LAB_GOLDEN=write pytest` on
this file); those before it stay, and are opened for ever.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from labkit import versions
from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.errors import ConfigError
from labkit.hyperv import reading, switching, trust
from labkit.hyperv.facts import DiskFacts
from labkit.hyperv.specs import disk_mark, machine_spec
from labkit.lab import transfer
from labkit.line import report
from labkit.project import BASH
from labkit.pxe import server
from labkit.session import Session
from labkit.verify import rows, run
from labkit.verify.rows import Row
from tests import golden
from tests.unit.machines.conftest import KEY
from tests.unit.verify.fakes import certificate_file

FOLDER = golden.FOLDER / "state"
LEFT = sorted(FOLDER.glob("[0-9]*"))
EVERY_VERSION = pytest.mark.parametrize("left", LEFT, ids=[folder.name for folder in LEFT])
PRIVATE = ("id_ed25519", f"bootstrap/{keys.HOST_KEY}", "hosts/pc1.pem")  # made at random; the folder's own are used
DISKS = {"bootstrap": "1000000b", "cp1": "1000000c", "w1": "1000000d"}
TIME = 1795448400
MARK = {"lab": "lab-7e57", "machine": "w1", "disk": DISKS["w1"], "kind": "system"}
RECORD = {"state": "armed", "machine": "w1", "disk": DISKS["w1"], "time": TIME}
NEWER = {"version": versions.STATE + 1}
ROWS = [Row("API server is ready", "ok", "/readyz says ok", 0.5), Row("clocks agree", "not proven here", "one kernel")]


def write(session: Session, folder: Path) -> None:
    """Have this project write whatever it keeps, below `folder`; the controller's part is the session's own folder."""
    _controller(session)
    transfer.export(session, folder / "lab-7e57.json")
    lab, spec = session.lab, machine_spec(session.lab, session.lab.machine("w1"))
    files = {
        "pc1/w1-system.vhdx.lab.json": disk_mark(lab.name, "w1", DISKS["w1"], "system"),
        "pc1/w1-data.vhdx.lab.json": disk_mark(lab.name, "w1", DISKS["w1"], "data"),
        "pc1/w1-notes.json": spec.notes,
        "pc1/switch-notes.json": str(switching._wanted(lab, lab.switches[0], "")["notes"]),
        "bootstrap/armed-w1": _record("armed", "w1"),
        "bootstrap/installed-cp1": _record("installed", "cp1"),
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _controller(session: Session) -> None:
    state, lab = session.state, session.lab
    keys.ensure_lab_keys(state, lab.name, lab.bootstrap.name)
    _, host_key = keys.bootstrap_host_key(state)
    keys.pin(state, str(lab.bootstrap.external.address), host_key, DISKS["bootstrap"])
    keys.pin(state, str(lab.machine("cp1").mgmt.address), KEY, DISKS["cp1"])
    keys.pin(state, str(lab.machine("w1").mgmt.address), KEY)
    state.write(state.kubeconfig, "clusters: []\n")
    kept = state.host_certificate("pc1")
    pem = kept.read_text() if kept.exists() else certificate_file().partition("\n")[2]
    trust.keep(session, trust.Offer(lab.hosts[0], pem, "", ""))
    journal = session.journal
    journal.write("run", command="inv lab.up")
    journal.write("probe", step="hyperv.create", missing=None)
    with journal.step("os.install") as step:
        step.changed = True
        journal.write("cycle", machine="w1", stage="loader", seconds=300, last="GET grub.cfg")
        journal.write("times", step="os.install", times={"w1": 81.5}, stages={"w1": {"dhcp": TIME}}, left={})
    journal.note("w1: kernel", "the host's own")
    journal.write("done")
    run._keep(session, ROWS)


def _record(state: str, machine: str) -> str:
    """A record as its script prints it."""
    script = BASH / {"armed": "pxe-arm.sh", "installed": "pxe-installed.sh"}[state]
    found = re.search(r"""printf '(\{"state": .*?\})\\n'""", script.read_text(encoding="utf-8"))
    assert found
    return found[1] % (machine, DISKS[machine], TIME) + "\n"


def texts(folder: Path) -> dict[str, str]:
    """Every file's text, by name, with times and durations that differ from run to run made equal."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): _calm(file.read_text("utf-8")) for file in files}


def _calm(text: str) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+00:00", "TIME", text)
    return re.sub(r'("result": "ok", "seconds": )[\d.]+', r"\g<1>0", text)


@pytest.fixture
def session(lab: Lab, own_state: Path) -> Session:
    """A session whose `.lab/7e57` holds the golden folder's keys, where there are some."""
    for name in PRIVATE:
        kept = FOLDER / str(versions.STATE) / "controller" / name
        target = own_state / lab.id / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if kept.exists():
            shutil.copy(kept, target)
    return Session(lab)


def disk_beside(mark: Any) -> DiskFacts | None:
    return reading._disk({"path": r"C:\a.vhdx", "size_bytes": 1, "mark": mark}, "lab-7e57")


def opened(lab: Lab, left: Path, own_state: Path) -> Session:
    """A session over a copy of what a version left on its controller."""
    shutil.copytree(left / "controller", own_state / lab.id)
    return Session(lab)


def test_this_version_writes_what_its_folder_holds(session: Session, tmp_path: Path) -> None:
    made, kept = tmp_path / "made", FOLDER / str(versions.STATE)
    made.mkdir()
    write(session, made)
    shutil.copytree(session.state.path, made / "controller")
    if os.environ.get("LAB_GOLDEN") == "write":
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(made, kept)
    assert texts(made) == texts(kept)


def test_there_is_a_folder_for_every_version_so_far() -> None:
    assert [folder.name for folder in LEFT] == [str(number) for number in range(1, versions.STATE + 1)]


@EVERY_VERSION
def test_the_keys_and_whom_they_open_are_read(lab: Lab, left: Path, own_state: Path) -> None:
    state = opened(lab, left, own_state).state
    assert not keys.ensure_lab_keys(state, lab.name, "bootstrap")
    keys.refuse_lost(state, lab.bootstrap)
    address, cp1 = str(lab.bootstrap.external.address), str(lab.machine("cp1").mgmt.address)
    assert keys.pinned(state)[address] == " ".join(keys.bootstrap_host_key(state)[1].split()[:2])
    assert keys.pinned(state)[cp1] == KEY
    assert keys.pinned_disks(state) == {address: DISKS["bootstrap"], cp1: DISKS["cp1"]}
    assert trust.fingerprint(state.host_certificate("pc1").read_text()).count(":") == 31


@EVERY_VERSION
def test_the_last_run_and_the_last_verification_are_read(lab: Lab, left: Path, own_state: Path) -> None:
    session = opened(lab, left, own_state)
    last = report.last_run(session.journal.rows())
    assert [(line.step, line.result, line.slowest) for line in report.lines(last)] == [
        ("hyperv.create", "satisfied", ""),
        ("os.install", "changed", "w1 81.5 s"),
    ]
    assert report.notes(last) == ["w1: kernel: the host's own"]
    shown = io.StringIO()
    session.output = Console(width=200, file=shown)
    run.show_last(session)
    assert "API server is ready" in shown.getvalue()


@EVERY_VERSION
def test_an_export_is_taken_in(lab: Lab, left: Path) -> None:
    taken = transfer.read_in(Session(lab), left / "lab-7e57.json")
    assert {"id_ed25519", "known_hosts", "kubeconfig", "hosts/pc1.pem"} <= set(taken)


@EVERY_VERSION
def test_the_marks_on_the_pcs_are_read(left: Path) -> None:
    assert reading.owner((left / "pc1" / "w1-notes.json").read_text(), "lab-7e57") == "w1"
    for kind in ("system", "data"):
        disk = disk_beside(json.loads((left / "pc1" / f"w1-{kind}.vhdx.lab.json").read_text()))
        assert disk
        assert (disk.id, disk.kind, disk.machine) == (DISKS["w1"], kind, "w1")


@EVERY_VERSION
def test_the_records_on_the_bootstrap_server_are_read(left: Path) -> None:
    lines = "".join(file.read_text() for file in sorted((left / "bootstrap").iterdir()))
    found = server.parse_records(lines + f"now {TIME} +0100\n")
    assert found.armed == {"w1": server.Record(DISKS["w1"], TIME)}
    assert found.installed == {"cp1": server.Record(DISKS["cp1"], TIME)}


def test_a_folder_without_a_version_is_of_the_first_one_and_gets_its_number(lab: Lab, own_state: Path) -> None:
    state = opened(lab, FOLDER / "1", own_state).state
    state.version.unlink()
    Session(lab).journal.write("done")
    assert not state.version.exists()  # nothing but a folder that is made now, or written to, is given one
    state.write(state.kubeconfig, "clusters: [1]\n")
    assert state.version.read_text() == f"{versions.STATE}\n"


def test_an_older_version_is_opened(lab: Lab, own_state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "STATE", 2)
    assert opened(lab, FOLDER / "1", own_state).state.version.read_text() == "1\n"


@pytest.mark.parametrize("said", [f"{versions.STATE + 1}\n", "next\n", "0\n", "\n"])
def test_a_folder_of_a_newer_version_is_refused_in_one_sentence_and_left_alone(
    lab: Lab, own_state: Path, said: str
) -> None:
    folder = StateDir(own_state / lab.id)
    folder.prepare()
    folder.version.write_text(said)
    with pytest.raises(ConfigError, match=rf"7e57 is of version .*none after {versions.STATE}") as refusal:
        Session(lab)
    assert "newer version of this project" in str(refusal.value.hint)
    assert [path.name for path in folder.path.iterdir()] == ["version"]


def test_marks_and_records_of_a_newer_version_are_refused_and_named() -> None:
    with pytest.raises(ConfigError, match="in the Notes of w1's VM is of version"):
        reading.owner(json.dumps(MARK | NEWER), "lab-7e57")
    with pytest.raises(ConfigError, match=r"beside C:\\a\.vhdx is of version"):
        disk_beside(MARK | NEWER)
    with pytest.raises(ConfigError, match="record of w1 is of version"):
        server.parse_records(json.dumps(RECORD | NEWER))


def test_another_labs_marks_are_nobodys_business_whatever_their_version() -> None:
    assert reading.owner(json.dumps({"lab": "lab-beef", "machine": "w1", **NEWER}), "lab-7e57") is None
    assert disk_beside({"lab": "lab-beef", **NEWER}) is None


def test_keys_that_this_version_does_not_know_are_passed_over() -> None:
    more = {"version": 1, "colour": "blue"}
    assert reading.owner(json.dumps({"lab": "lab-7e57", "machine": "w1", **more}), "lab-7e57") == "w1"
    assert disk_beside(MARK | more)
    assert server.parse_records(json.dumps(RECORD | more)).armed
    kept = json.loads((FOLDER / "1" / "controller" / "verification.json").read_text())
    kept["rows"][0].update(more)
    assert rows.from_json(json.dumps(kept))[1][0] == ROWS[0]


def test_an_export_of_a_newer_version_is_told_as_that(lab: Lab, tmp_path: Path) -> None:
    content = json.loads((FOLDER / "1" / "lab-7e57.json").read_text())
    file = tmp_path / "newer.json"
    file.write_text(json.dumps(content | {"format": versions.STATE + 1}))
    with pytest.raises(ConfigError, match=r"newer\.json is of version"):
        transfer.read_in(Session(lab), file)
