"""What either README lets a new user type in the first hour: it fits a PC that Enable-LabHost.ps1 prepared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ENGLISH, KOREAN = "README.md", "README.ko.md"
BOTH = pytest.mark.parametrize("file", [ENGLISH, KOREAN])
ON_PCS = {ENGLISH: "## On your two PCs", KOREAN: "## PC 두 대에서"}

SCREEN_LINES = 30
RUN_ON = ("Debian 12", "QEMU", "Secure Boot", "PowerShell 7", "Ansible", "kubectl", "kubeadm", "containerd")
NEVER_RUN_ON = ("Windows", "Hyper-V", "Rocky Linux")
NOT_YET = {ENGLISH: "Not yet:", KOREAN: "아직 아님:"}


def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def on_pcs(file: str) -> str:
    """The section that leads from bare PCs to a lab, to the next one of its rank."""
    return text(file).split(ON_PCS[file])[1].split("\n## ")[0]


def blocks(file: str) -> list[list[str]]:
    """The section's indented blocks, each the lines that are typed or written, without comments."""
    found: list[list[str]] = [[]]
    for line in on_pcs(file).splitlines():
        if line.startswith("    "):
            found[-1].append(re.sub(r"\s+# .*", "", line.removeprefix("    ")))
        elif line.strip() and found[-1]:
            found.append([])
    return [block for block in found if block]


def typed(file: str) -> list[str]:
    return [line.strip() for block in blocks(file) for line in block]


@BOTH
def test_a_list_of_tasks_begins_with_trusting_the_pcs_for_each_lab(file: str) -> None:
    lists = [block for block in blocks(file) if any(re.match(r"inv .*lab\.rebuild", line) for line in block)]
    assert [block[0] for block in lists] == ["inv hyperv.trust", "inv -f labs/one-pc-16gb.yaml hyperv.trust"]


@BOTH
def test_the_scheme_is_said_where_a_pc_may_be_prepared_with_the_other(file: str) -> None:
    assert "`-Http`" in on_pcs(file)
    assert "scheme: http}" in on_pcs(file)


@BOTH
def test_the_project_is_fetched_before_anything_of_it_is_used(file: str) -> None:
    lines = typed(file)
    assert lines[0].startswith("git clone ")
    assert lines.index("py -3 -m venv .venv") > 0
    assert "ZIP" in on_pcs(file)


@BOTH
def test_nothing_is_typed_that_a_fresh_windows_refuses_or_asks_about(file: str) -> None:
    """Its policy runs no scripts (Restricted), and the change for one window asks unless it is forced."""
    windows = on_pcs(file)
    assert "Activate.ps1" not in windows
    assert r".venv\Scripts\python -m pip install --editable ." in typed(file)
    policies = [line for line in typed(file) if line.startswith("Set-ExecutionPolicy")]
    assert policies
    assert all(line.endswith("-Scope Process Bypass -Force") for line in policies)


@BOTH
def test_no_password_is_typed_visibly(file: str) -> None:
    asking = re.findall(r"Read-Host[^\n]*|read -[a-z]+", text(file))
    assert asking
    assert [how for how in asking if "-AsSecureString" not in how and not re.fullmatch(r"read -\w*s\w*", how)] == []


@BOTH
def test_the_values_to_edit_are_shown_and_are_as_many_as_is_said(file: str) -> None:
    block = next(block for block in blocks(file) if block[0] == "lab:")
    lab = yaml.safe_load("\n".join(block))["lab"]
    shipped = yaml.safe_load(text("invoke.yaml"))["lab"]
    assert {**lab["external"], **lab["hosts"]}.items() <= {**shipped["external"], **shipped["hosts"]}.items()
    values = [lab["id"], *lab["hosts"].values(), lab["host_user"], *lab["external"].values(), lab["iso_path"]]
    assert len(values) == 8
    assert {ENGLISH: "first eight values", KOREAN: "처음 여덟 값"}[file] in on_pcs(file)


def test_the_korean_readme_lacks_nothing_that_is_typed_or_written() -> None:
    assert [line for line in typed(ENGLISH) if line not in typed(KOREAN)] == []


@BOTH
def test_the_first_screen_says_what_it_was_run_on_and_what_not_yet(file: str) -> None:
    screen = "\n".join(text(file).splitlines()[:SCREEN_LINES])
    paragraph = next((part for part in screen.split("\n\n") if NOT_YET[file] in part), "")
    run, _, never = paragraph.partition(NOT_YET[file])
    assert [word for word in RUN_ON if word not in run] == []
    assert [word for word in NEVER_RUN_ON if word not in never] == []
