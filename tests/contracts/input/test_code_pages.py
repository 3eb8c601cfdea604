"""The real `inv` where the code page is no UTF-8, as on any Windows: what it reads, and what it writes."""

from __future__ import annotations

from locale import getpreferredencoding

import pytest

from labkit.controller import keys
from labkit.controller.state import StateDir
from tests import windows
from tests.contracts.input.conftest import Hosts, Project

# Windows' Python goes by the code page of its Windows; elsewhere this is how to have one that is not UTF-8.
NO_UTF_8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
CODE_PAGES = [getpreferredencoding(False)] if windows.IS_WINDOWS else ["cp949", "cp1252"]
ADAPTER = "이더넷"
COMMENT = "# 우리 반 실습실: 두 대의 PC\n"


def korean(project: Project, file: str) -> None:
    """Write a Korean comment and adapter into a description."""
    path = project.folder / file
    text = path.read_text(encoding="utf-8")
    assert "scheme: http" in text
    path.write_text(COMMENT + text.replace("scheme: http", f"uplink: {ADAPTER}, scheme: http"), encoding="utf-8")


def test_korean_in_both_descriptions_is_read(project: Project) -> None:
    (project.folder / "invoke.yaml").write_text(f"{COMMENT}lab: {{id: '7e57'}}\n", encoding="utf-8")
    korean(project, "labs/lab.yaml")
    answer = project.inv("-f", "labs/lab.yaml", "lab.report", **NO_UTF_8)
    assert answer.code == 0, answer.errors
    assert "nothing was run" in answer.output


@pytest.mark.parametrize("code_page", CODE_PAGES)
def test_an_adapter_by_its_korean_name_is_shown(hosts: Hosts, code_page: str) -> None:
    """It is the default name on a Korean Windows; the PCs here have no adapter of that name."""
    korean(hosts.project, "labs/lab.yaml")
    answer = hosts.inv("hyperv.check", encoding=code_page)
    shown = ADAPTER if code_page == "cp949" else ADAPTER.encode("ascii", "backslashreplace").decode()
    assert f"switch Lab is on Ethernet, not on {shown}" in answer.errors
    assert answer.code == 6, answer.errors


@pytest.mark.parametrize("code_page", CODE_PAGES)
def test_a_folder_with_hangul_and_blanks_is_written_to_and_shown(project: Project, code_page: str) -> None:
    moved = Project(project.folder.rename(project.folder.with_name("홍 길동 lab")))
    keys.ensure_lab_keys(StateDir(moved.folder / ".lab" / "7e57"), "lab-7e57", "bootstrap")
    answer = moved.inv("-f", "labs/lab.yaml", "lab.export", encoding=code_page)
    assert answer.code == 0, answer.errors
    assert (moved.folder / "lab-7e57.export.json").exists()
    name = "홍 길동 lab" if code_page == "cp949" else "\\ud64d \\uae38\\ub3d9 lab"
    assert name in answer.output
