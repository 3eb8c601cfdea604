"""What hosts may have wrong with them, through the real `inv`: one clear message each, and not one changing call."""

from __future__ import annotations

import base64
import json
import signal
import time
from collections.abc import Callable

import pytest

from rehearsal.tests.bare_pc import take_switch_away
from tests.contracts.input.conftest import PASSWORD, Answer, Hosts

pytestmark = pytest.mark.network
BUILDING = ("lab.check", "hyperv.create", "lab.rebuild")


def is_refused(hosts: Hosts, answer: Answer, code: int, *words: str) -> bool:
    """Told in words, with the code, without a traceback, and nothing was changed on any PC."""
    said = answer.errors
    told = all(word in said for word in words) and "hint: " in said
    return answer.code == code and told and not hosts.changes() and "Traceback" not in said


TROUBLE: dict[str, tuple[Callable[[Hosts], None], int, tuple[str, ...]]] = {
    "no answer": (lambda hosts: hosts.endpoints["pc2"].stop(), 3, ("pc2 (127.0.0.1)", "does not answer")),
    "no switch": (
        lambda hosts: hosts.change("pc2", switches=[]),
        6,
        ("host pc2", "no virtual switch Lab", "inv -f labs/lab.yaml hyperv.switch"),
    ),
    "Hyper-V's service is down": (
        lambda hosts: hosts.change("pc1", services={"vmms": "Stopped", "WinRM": "Running"}),
        6,
        ("host pc1", "is Stopped", "Start-Service vmms"),
    ),
}


@pytest.mark.parametrize("task", BUILDING)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_host_on_which_nothing_can_be_built(hosts: Hosts, trouble: str, task: str) -> None:
    harm, code, words = TROUBLE[trouble]
    harm(hosts)
    answer = hosts.inv(task, LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, code, *words), answer.errors


def test_a_plan_of_pcs_that_do_not_answer_ends_with_their_code(hosts: Hosts) -> None:
    hosts.endpoints["pc2"].stop()
    answer = hosts.inv("lab.plan")
    assert is_refused(hosts, answer, 3, "pc2 (127.0.0.1)", "does not answer"), answer
    assert answer.errors.count("pc2 (127.0.0.1)") == 1
    assert "hyperv.create" in answer.output


@pytest.mark.parametrize("task", BUILDING)
def test_a_wrong_password(hosts: Hosts, task: str) -> None:
    answer = hosts.inv(task, password="guessed", LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, 3, "pc1", "password"), answer.errors
    assert "guessed" not in answer.errors + answer.output
    assert hosts.calls() == []


@pytest.fixture
def without_switch(hosts: Hosts) -> Hosts:
    """PCs on which nobody made a switch yet."""
    for name in hosts.endpoints:
        with hosts.state(name).change() as state:
            take_switch_away(state, "127.0.0.1")
    return hosts


def test_a_pcs_network_pauses_only_after_somebody_agreed_to_what_a_dry_run_says(without_switch: Hosts) -> None:
    shown = without_switch.inv("--dry", "hyperv.switch")
    assert (shown.code, "would change" in shown.output, "pc2" in shown.output) == (0, True, True), shown
    answer = without_switch.inv("hyperv.switch")
    assert is_refused(without_switch, answer, 5, "nobody is at the terminal"), answer.errors
    assert "the network of pc1 (127.0.0.1) pauses for some seconds" in answer.output
    assert "takes the switch away again by itself" in answer.output


def test_switches_are_made_once_agreed_and_the_path_is_proven(without_switch: Hosts) -> None:
    answer = without_switch.inv("hyperv.switch", LAB_ASSUME_YES="lab-7e57")
    assert answer.code == 0, answer
    assert answer.output.count("full-size packets pass between pc1, pc2") == 2
    again = without_switch.inv("hyperv.switch")
    assert (again.code, "nothing to change" in again.output + again.errors) == (0, True), again


def test_a_rebuilding_without_consent_stops_before_any_change(hosts: Hosts) -> None:
    made = hosts.inv("hyperv.create")
    assert made.code == 0, made.errors
    before = {host: hosts.state(host).read() for host in hosts.endpoints}
    changes = hosts.changes()
    answer = hosts.inv("lab.rebuild")
    assert answer.code == 5, answer.errors
    assert "LAB_ASSUME_YES=lab-7e57" in answer.errors
    assert "w1" in answer.output
    assert hosts.changes() == changes
    assert {host: hosts.state(host).read() for host in hosts.endpoints} == before


@pytest.mark.parametrize(
    "line", [("--dry", "lab.rebuild"), ("--dry", "lab.up"), ("lab.plan",), ("--dry", "lab.destroy")]
)
def test_a_dry_line_and_a_plan_open_no_changing_call(hosts: Hosts, line: tuple[str, ...]) -> None:
    hosts.inv("hyperv.create")
    changes = hosts.changes()
    file = hosts.project.folder / ".lab" / "7e57" / "journal.jsonl"
    journal = file.read_text()
    answer = hosts.inv(*line)
    assert answer.code == 0, answer.errors
    assert hosts.changes() == changes
    assert '"event": "start"' not in file.read_text().removeprefix(journal)


def test_a_discard_names_and_takes_the_nodes_system_disks_alone(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    shown = hosts.inv("--dry", "lab.discard").output
    assert all(f"\\{name}\\system-" in shown for name in ("cp1", "w1", "w2", "w3", "storage1")), shown
    assert "\\bootstrap\\" not in shown
    assert "\\data-" not in shown
    before = disks(hosts)
    answer = hosts.inv("lab.discard", LAB_ASSUME_YES="lab-7e57")
    assert answer.code == 0, answer.errors
    after = disks(hosts)
    kept = [path.split("\\")[-2:] for path in before & after if "discarded" not in path]
    assert {f"{machine}/{file[:4]}" for machine, file in kept} == {"bootstrap/syst", "storage1/data"}
    assert len(after) == len(before)


def test_creating_all_takes_two_commands_a_host_and_looking_or_creating_again_one(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    wanted = ["Get-LabHost", "New-LabMachine"]
    assert [[call["script"] for call in hosts.calls(host)] for host in hosts.endpoints] == [wanted, wanted]
    for task in ("hyperv.status", "hyperv.plan", "hyperv.create"):
        answer = hosts.inv(task)
        assert answer.code == 0, answer.errors
        wanted.append("Get-LabHost")
        assert [[call["script"] for call in hosts.calls(host)] for host in hosts.endpoints] == [wanted, wanted]
    assert "hyperv.create: nothing to change" in answer.errors


@pytest.mark.parametrize(
    "fault",
    [{"kind": "noise"}, {"kind": "401"}, {"kind": "translated"}, {"kind": "drop", "on": "Command"}, {"kind": "refuse"}],
    ids=lambda fault: fault["kind"],
)
def test_the_password_is_in_nothing_that_is_said_or_kept(hosts: Hosts, fault: dict[str, str]) -> None:
    said = []
    for trouble in ([], [fault], []):
        hosts.fault("pc1", *trouble)
        answer = hosts.inv("--debug", "hyperv.create")
        said.append(answer.output + answer.errors)
    files = [path for folder in (hosts.root, hosts.project.folder) for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if path.stat().st_size < 2**20]
    said += [path.read_bytes().decode(errors="replace") for path in kept]
    secrets = {PASSWORD, PASSWORD.encode().hex(), base64.b64encode(PASSWORD.encode()).decode(), ascii(PASSWORD)[1:-1]}
    assert {path.name for path in kept} >= {"journal.jsonl", "calls.jsonl"}
    assert not [secret for secret in secrets if any(secret in text for text in said)]


def test_destroying_leaves_the_data_disk_and_then_finds_nothing(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    answer = hosts.inv("lab.destroy", LAB_ASSUME_YES="lab-7e57")
    assert answer.code == 0, answer.errors
    assert [path.split("\\")[-2] for path in disks(hosts)] == ["storage1"]
    assert all(not hosts.state(host).read()["vms"] for host in hosts.endpoints)
    again = hosts.inv("lab.destroy")
    assert again.code == 0, again.errors
    assert "nothing to destroy" in again.output
    for run in (answer, again):  # it ends with what stays, whoever lost the list types it again
        assert (
            "  - pc2: the data disk of storage1, with all that is stored on it: Remove-Item -LiteralPath 'C:"
            in run.output
        )
        assert "  - pc1: the switch Lab, which other machines may use: inv hyperv.remove-switch" in run.output
        assert r"  - pc1: the account lab, WinRM and its firewall rule: .\Enable-LabHost.ps1 -Undo" in run.output


def test_a_lab_that_somebody_else_changes_is_left_alone(hosts: Hosts) -> None:
    folder = hosts.project.folder / ".lab" / "7e57"
    folder.mkdir(parents=True)
    holder = {"pid": 1, "host": "elsewhere", "user": "ann", "time": "2026", "command": "inv lab.rebuild"}
    (folder / "lock.json").write_text(json.dumps(holder))
    answer = hosts.inv("hyperv.create")
    assert is_refused(hosts, answer, 9, "ann on elsewhere", "inv lab.rebuild"), answer.errors
    assert hosts.calls() == []


@pytest.mark.parametrize("task", ["hyperv.create", "hyperv.status"])
def test_ctrl_c_ends_at_once_with_130_and_frees_the_lab(hosts: Hosts, task: str) -> None:
    hosts.fault("pc2", {"kind": "hang", "on": "Command", "seconds": 60})
    process = hosts.project.start("-f", "labs/lab.yaml", task, LAB_PASSWORD=PASSWORD)
    end = time.monotonic() + 30
    while not hosts.calls() and time.monotonic() < end:  # pc1 has answered, pc2 hangs
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=15)
    assert process.returncode == 130, errors
    assert "stopped by Ctrl-C" in errors
    assert "Traceback" not in errors
    assert ("resume: inv -f labs/lab.yaml hyperv.create" in errors) == (task == "hyperv.create")
    assert "lock.json" not in hosts.project.kept()


def disks(hosts: Hosts) -> set[str]:
    """The paths of all virtual disks on both PCs' drives."""
    drives = [hosts.state(host).local("C:\\") for host in hosts.endpoints]
    return {"\\".join(path.relative_to(drive).parts) for drive in drives for path in drive.rglob("*.vhdx")}
