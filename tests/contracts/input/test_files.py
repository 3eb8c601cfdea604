"""Bad descriptions through the real `inv`: one clear message, a code, no traceback, nothing changed or contacted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.input.conftest import Answer, Project

FILES = {
    "unknown key": (("  switch: Lab", "  swich: Lab"), "lab.swich: there is no such key -> did you mean switch?"),
    "duplicate key": (("  switch: Lab", "  switch: Lab\n  switch: Lab"), "lab.switch: the key 'switch' stands twice"),
    "missing id": (("  id: '7e57'", "  id:"), "lab.id: every lab needs an id of its own"),
    "duplicate name": (("name: w2", "name: w1"), "another machine has the name 'w1' already"),
    "unknown role": (("roles: [control_plane]", "roles: [control_plain]"), "'control_plain': one of"),
    "broken yaml": (("  hosts:\n", "  hosts: [\n"), "not valid YAML"),
    "scalar for a mapping": (("  hosts:\n", "  hosts: 5\n  x:\n"), "lab.hosts: 5: a mapping is expected"),
    "scalar for the lab": (("lab:\n", "lab: 5\nx:\n"), ": a mapping is expected"),
    "control character": (("switch: Lab", "switch: La\x02b"), "not valid YAML"),
}


def is_clean(answer: Answer, code: int) -> bool:
    """One message on standard error, beginning with `error:`, and no traceback."""
    said = answer.errors
    return answer.code == code and said.startswith("error: ") and said.count("error: ") == 1 and "Traceback" not in said


@pytest.mark.parametrize("task", ["lab.check", "lab.rebuild"])
@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_given_with_f(project: Project, name: str, task: str) -> None:
    (old, new), expected = FILES[name]
    file = project.folder / "labs" / "lab.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    answer = project.inv("-f", "labs/lab.yaml", task, LAB_PASSWORD="x", LAB_ASSUME_YES="lab-7e57")
    assert expected in answer.errors, answer.errors
    assert f"{Path('labs/lab.yaml')}:" in answer.errors
    assert "hint: " in answer.errors
    assert is_clean(answer, 2), answer.errors
    assert project.kept() == []


@pytest.mark.parametrize("name", ["broken yaml", "scalar for the lab", "scalar for a mapping", "duplicate key"])
def test_a_bad_project_file(project: Project, name: str) -> None:
    (old, new), expected = FILES[name]
    file = project.folder / "invoke.yaml"
    text = file.read_text().replace("  id:\n", "  id: '7e57'\n")
    assert old in text
    file.write_text(text.replace(old, new, 1))
    answer = project.inv("lab.check", LAB_PASSWORD="x")
    assert expected in answer.errors, answer.errors
    assert "invoke.yaml:" in answer.errors
    assert is_clean(answer, 2), answer.errors


def test_the_project_as_it_comes_asks_for_an_id(project: Project) -> None:
    answer = project.inv("lab.check")
    assert "invoke.yaml:" in answer.errors
    assert "write id: '" in answer.errors
    assert is_clean(answer, 2)


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (("-f", "labs/none.yaml", "lab.up"), 2, (f"{Path('labs/none.yaml')}: no such file",)),
        (("-f", "scripts/powershell/README.md", "lab.up"), 2, (str(Path("scripts/powershell/README.md")),)),
        (("-f", "labs/lab.yaml", "hyperv.status"), 7, ("no password for lab on pc1", "LAB_PASSWORD_PC1")),
        (("-f", "labs/lab.yaml", "lab.plan", "--of", "lab.upp"), 2, ("there is no task lab.upp",)),
    ],
    ids=["no such file", "a file of another kind", "no password", "a plan of a task that is none"],
)
def test_a_line_that_cannot_be_run(project: Project, line: tuple[str, ...], code: int, told: tuple[str, ...]) -> None:
    answer = project.inv(*line)
    assert all(words in answer.errors for words in told), answer.errors
    assert is_clean(answer, code)


def test_all_mistakes_are_told_at_once(project: Project) -> None:
    file = project.folder / "labs" / "lab.yaml"
    text = file.read_text()
    for change, _ in (FILES[name] for name in ("unknown key", "missing id", "duplicate name", "unknown role")):
        text = text.replace(*change, 1)
    file.write_text(text)
    answer = project.inv("-f", "labs/lab.yaml", "lab.check")
    assert f"4 problems in {Path('labs/lab.yaml')}" in answer.errors
    assert is_clean(answer, 2)


def test_a_broken_file_keeps_the_list_of_tasks_from_a_traceback(project: Project) -> None:
    (project.folder / "invoke.yaml").write_text("lab: [\n")
    assert is_clean(project.inv("--list"), 2)


def test_a_destroyer_in_company(project: Project) -> None:
    answer = project.inv("-f", "labs/lab.yaml", "lab.up", "lab.rebuild", LAB_PASSWORD="x", LAB_ASSUME_YES="lab-7e57")
    assert "lab.rebuild destroys and is therefore typed alone" in answer.errors
    assert is_clean(answer, 6)
    assert [name for name in project.kept() if not name.endswith(".log")] == ["version"]  # which comes with the log


def test_a_setting_in_the_environment_that_invoke_cannot_take(project: Project) -> None:
    answer = project.inv("-f", "labs/lab.yaml", "lab.report", INVOKE_LAB_MACHINES="w1")
    assert is_clean(answer, 2), answer.errors


def test_it_works_from_a_folder_below_the_project(project: Project) -> None:
    answer = Project(project.folder / "labs").inv("-f", "lab.yaml", "lab.report", PYTHONPATH=str(project.folder))
    assert "nothing was run" in answer.output, answer.errors
    assert answer.code == 0
