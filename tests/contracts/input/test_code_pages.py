"""The real `inv` where the computer's code page is no UTF-8, as on any Windows: what it reads, and what it can write."""

from __future__ import annotations

import pytest

from labkit.controller import keys
from labkit.controller.state import StateDir
from tests.contracts.input.conftest import PASSWORD, Answer, Hosts, Project

# Windows' Python goes by the code page of its Windows; elsewhere this is how to have one that is not UTF-8.
NO_UTF_8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
ADAPTER = "이더넷"
COMMENT = "# 우리 반 실습실: 두 대의 PC\n"


def run(project: Project, code_page: str, *words: str, **variables: str) -> Answer:
    """Run `inv` with both outputs redirected, in that code page."""
    answer = project.inv(*words, **NO_UTF_8, **variables, encoding=code_page)
    assert "Traceback" not in answer.errors, answer.errors
    return answer


def korean(project: Project, file: str) -> None:
    """Write a Korean comment and adapter into a description."""
    path = project.folder / file
    text = path.read_text(encoding="utf-8")
    assert "scheme: http" in text
    path.write_text(COMMENT + text.replace("scheme: http", f"uplink: {ADAPTER}, scheme: http"), encoding="utf-8")


@pytest.mark.parametrize("code_page", ["cp949", "cp1252"])
def test_korean_in_both_descriptions_is_read_and_shown(hosts: Hosts, code_page: str) -> None:
    """An adapter by its Korean name is Windows' default there, and the PCs here have none of that name."""
    (hosts.project.folder / "invoke.yaml").write_text(f"{COMMENT}lab: {{id: '7e57'}}\n", encoding="utf-8")
    korean(hosts.project, "labs/lab.yaml")
    answer = run(hosts.project, code_page, "-f", "labs/lab.yaml", "hyperv.check", LAB_PASSWORD=PASSWORD)
    shown = ADAPTER if code_page == "cp949" else ADAPTER.encode("ascii", "backslashreplace").decode()
    assert f"there is no network adapter {shown}" in answer.output + answer.errors
    assert answer.code == 6, answer.errors


@pytest.mark.parametrize("code_page", ["cp949", "cp1252"])
def test_a_folder_with_hangul_and_blanks_is_written_to_and_shown(project: Project, code_page: str) -> None:
    moved = Project(project.folder.rename(project.folder.with_name("홍 길동 lab")))
    keys.ensure_lab_keys(StateDir(moved.folder / ".lab" / "7e57"), "lab-7e57", "bootstrap")
    answer = run(moved, code_page, "-f", "labs/lab.yaml", "lab.export")
    assert answer.code == 0, answer.errors
    assert (moved.folder / "lab-7e57.export.json").exists()
    name = "홍 길동 lab" if code_page == "cp949" else "\\ud64d \\uae38\\ub3d9 lab"
    assert name in answer.output
