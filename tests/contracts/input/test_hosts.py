"""What hosts may have wrong with them, through the real `inv`: one clear message each, and not one changing call."""

from __future__ import annotations

import base64
import json
import signal
import sys
import time

import pytest

from rehearsal.tests.bare_pc import take_switch_away
from tests.contracts.input.conftest import PASSWORD, Answer, Hosts

pytestmark = pytest.mark.network
BUILDING = ("lab.check", "hyperv.create", "lab.rebuild")


def is_refused(hosts: Hosts, answer: Answer, code: int, *words: str) -> bool:
    """Told in words, with the code, without a traceback, and nothing was changed on any PC."""
    said = answer.errors
    told = all(word in said for word in words) and "hint: " in said
    harmless = not [call for call in hosts.calls() if call["mutating"]]
    return answer.code == code and told and harmless and "Traceback" not in said


@pytest.mark.parametrize("task", BUILDING)
def test_a_host_that_does_not_answer(hosts: Hosts, task: str) -> None:
    hosts.endpoints["pc2"].stop()
    answer = hosts.inv(task, LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, 3, "pc2 (127.0.0.1)", "does not answer"), answer.errors


@pytest.mark.parametrize("task", BUILDING)
def test_a_wrong_password(hosts: Hosts, task: str) -> None:
    answer = hosts.inv(task, password="guessed", LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, 3, "pc1", "password"), answer.errors
    assert "guessed" not in answer.errors + answer.output


@pytest.mark.parametrize("task", BUILDING)
def test_a_missing_switch(hosts: Hosts, task: str) -> None:
    hosts.change("pc2", switches=[])
    answer = hosts.inv(task, LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, 6, "host pc2", "no virtual switch Lab", "inv -f labs/lab.yaml hyperv.switch"), (
        answer.errors
    )


@pytest.fixture
def without_switch(hosts: Hosts) -> Hosts:
    """PCs on which nobody made a switch yet."""
    for name in hosts.endpoints:
        with hosts.state(name).change() as state:
            take_switch_away(state, "127.0.0.1")
    return hosts


def test_a_pcs_network_pauses_only_after_somebody_agreed(without_switch: Hosts) -> None:
    answer = without_switch.inv("hyperv.switch")
    assert is_refused(without_switch, answer, 5, "nobody is at the terminal"), answer.errors
    assert "the network of pc1 (127.0.0.1) pauses for some seconds" in answer.output
    assert "takes the switch away again by itself" in answer.output


def test_a_dry_run_says_whose_network_would_pause(without_switch: Hosts) -> None:
    answer = without_switch.inv("--dry", "hyperv.switch")
    assert (answer.code, "would change" in answer.output, "pc2" in answer.output) == (0, True, True), answer
    assert not [call for call in without_switch.calls() if call["mutating"]]


def test_switches_are_made_once_agreed_and_the_path_is_proven(without_switch: Hosts) -> None:
    answer = without_switch.inv("hyperv.switch", LAB_ASSUME_YES="lab-7e57")
    assert answer.code == 0, answer
    assert answer.output.count("full-size packets pass between pc1, pc2") == 2
    again = without_switch.inv("hyperv.switch")
    assert (again.code, "nothing to change" in again.output + again.errors) == (0, True), again


@pytest.mark.parametrize("task", BUILDING)
def test_a_hyperv_service_that_is_down(hosts: Hosts, task: str) -> None:
    hosts.change("pc1", services={"vmms": "Stopped", "WinRM": "Running"})
    answer = hosts.inv(task, LAB_ASSUME_YES="lab-7e57")
    assert is_refused(hosts, answer, 6, "host pc1", "is Stopped", "Start-Service vmms"), answer.errors


def test_what_is_wrong_on_both_hosts_is_told_together(hosts: Hosts) -> None:
    hosts.change("pc1", switches=[])
    hosts.change("pc2", switches=[])
    answer = hosts.inv("hyperv.check")
    assert is_refused(hosts, answer, 6, "host pc1", "host pc2"), answer.errors


def test_good_hosts_pass(hosts: Hosts) -> None:
    answer = hosts.inv("lab.check")
    assert answer.code == 0, answer.errors
    assert "ready" in answer.output


def test_a_rebuilding_without_consent_stops_before_any_change(hosts: Hosts) -> None:
    made = hosts.inv("hyperv.create")
    assert made.code == 0, made.errors
    before = {host: hosts.state(host).read() for host in hosts.endpoints}
    changes = len([call for call in hosts.calls() if call["mutating"]])
    answer = hosts.inv("lab.rebuild")
    assert answer.code == 5, answer.errors
    assert "LAB_ASSUME_YES=lab-7e57" in answer.errors
    assert "w1" in answer.output
    assert len([call for call in hosts.calls() if call["mutating"]]) == changes
    assert {host: hosts.state(host).read() for host in hosts.endpoints} == before


@pytest.mark.parametrize(
    "line", [("--dry", "lab.rebuild"), ("--dry", "lab.up"), ("lab.plan",), ("--dry", "lab.destroy")]
)
def test_a_dry_line_and_a_plan_open_no_changing_call(hosts: Hosts, line: tuple[str, ...]) -> None:
    hosts.inv("hyperv.create")
    changes = [call for call in hosts.calls() if call["mutating"]]
    journal = (hosts.project.folder / ".lab" / "7e57" / "journal.jsonl").read_text()
    answer = hosts.inv(*line)
    assert answer.code == 0, answer.errors
    assert [call for call in hosts.calls() if call["mutating"]] == changes
    kept = (hosts.project.folder / ".lab" / "7e57" / "journal.jsonl").read_text().removeprefix(journal)
    assert '"event": "start"' not in kept


def test_a_dry_discard_names_exactly_the_nodes_system_disks(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    shown = hosts.inv("--dry", "lab.discard").output
    assert all(f"\\{name}\\system-" in shown for name in ("cp1", "w1", "w2", "w3", "storage1")), shown
    assert "\\bootstrap\\" not in shown
    assert "\\data-" not in shown


def test_a_discard_leaves_the_bootstrap_server_and_the_data_disk(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    before = disks(hosts)
    answer = hosts.inv("lab.discard", LAB_ASSUME_YES="lab-7e57")
    assert answer.code == 0, answer.errors
    after = disks(hosts)
    kept = {path for path in before & after if "discarded" not in path}
    assert {path.split("\\")[-2] + "/" + path.split("\\")[-1][:4] for path in kept} == {
        "bootstrap/syst",
        "storage1/data",
    }
    assert len(after) == len(before)


@pytest.mark.parametrize("host", ["pc1", "pc2"])
def test_creating_all_machines_takes_two_commands_and_looking_at_them_one(hosts: Hosts, host: str) -> None:
    hosts.inv("hyperv.create")
    assert [call["script"] for call in hosts.calls(host)] == ["Get-LabHost", "New-LabMachine"]
    for task in ("hyperv.status", "hyperv.plan"):
        before = len(hosts.calls(host))
        answer = hosts.inv(task)
        assert answer.code == 0, answer.errors
        assert len(hosts.calls(host)) == before + 1


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


def test_creating_a_second_time_changes_nothing(hosts: Hosts) -> None:
    hosts.inv("hyperv.create")
    changes = [call for call in hosts.calls() if call["mutating"]]
    answer = hosts.inv("hyperv.create")
    assert "hyperv.create: nothing to change" in answer.errors
    assert [call for call in hosts.calls() if call["mutating"]] == changes


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
        assert "  - pc1: the switch Lab, which other machines may use: Remove-VMSwitch -Name 'Lab'" in run.output
        assert r"  - pc1: the account lab, WinRM and its firewall rule: .\Enable-LabHost.ps1 -Undo" in run.output


def test_a_lab_that_somebody_else_changes_is_left_alone(hosts: Hosts) -> None:
    folder = hosts.project.folder / ".lab" / "7e57"
    folder.mkdir(parents=True)
    holder = {"pid": 1, "host": "elsewhere", "user": "ann", "time": "2026", "command": "inv lab.rebuild"}
    (folder / "lock.json").write_text(json.dumps(holder))
    answer = hosts.inv("hyperv.create")
    assert is_refused(hosts, answer, 9, "ann on elsewhere", "inv lab.rebuild"), answer.errors
    assert hosts.calls() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.parametrize("task", ["hyperv.create", "hyperv.status"])
def test_ctrl_c_ends_at_once_with_130_and_frees_the_lab(hosts: Hosts, task: str) -> None:
    fault = [{"kind": "hang", "on": "Command", "seconds": 60}]
    (hosts.state("pc2").folder / "faults.json").write_text(json.dumps(fault))
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
    found = set()
    for host in hosts.endpoints:
        drive = hosts.state(host).local("C:\\")
        found |= {"\\".join(path.relative_to(drive).parts) for path in drive.rglob("*.vhdx")}
    return found
