"""Files that cannot be read, are no YAML, or contradict each other, before Invoke itself reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.description.load import load_lab
from labkit.description.source import named_on_command_line, read, refuse_broken_files
from labkit.errors import ConfigError

BROKEN = {
    "unclosed": ("lab:\n  hosts: {pc1: \n", "lab.yaml:3: not valid YAML: "),
    "tab": ("lab:\n\tid: x\n", "lab.yaml:2: not valid YAML: "),
    "two documents": ("a: 1\n---\nb: 2\n", "not valid YAML: "),
    "control character": ("lab:\n  id: \x01\n", "not valid YAML: "),
    "unhashable key": ("? [a, b]\n: 1\n", "not valid YAML: found unhashable key"),
    "python tag": ("lab: !!python/object:os.system {}\n", "not valid YAML: could not determine a constructor"),
    "alias to itself": ("lab: &a\n  b: *a\n", "nested deeper than 20 levels"),
    "a list": ("- lab\n", "lab.yaml:1: a mapping is expected, not list"),
    "a word": ("lab\n", "lab.yaml:1: a mapping is expected, not str"),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("text", "expected"), BROKEN.values(), ids=BROKEN)
def test_broken_yaml_is_told_with_its_line(text: str, expected: str, here: Path) -> None:
    Path("lab.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        read(here / "lab.yaml")
    assert expected in error.value.problem


def test_a_missing_file_is_told(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"labs[/\\]none\.yaml: no such file"):
        read(here / "labs" / "none.yaml")


def test_a_folder_is_no_file() -> None:
    Path("lab.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read(Path("lab.yaml"))


def test_a_file_of_windows_powershells_redirection_is_told() -> None:
    Path("lab.yaml").write_text("lab: 1\n", encoding="utf-16")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read(Path("lab.yaml"))


def test_a_byte_order_mark_does_no_harm() -> None:
    Path("lab.yaml").write_text("lab: 1\n", encoding="utf-8-sig")
    assert read(Path("lab.yaml")).data == {"lab": 1}


@pytest.mark.parametrize("text", ["", "other: 1\n", "lab:\n"])
def test_a_file_without_a_lab_is_told(text: str) -> None:
    Path("lab.yaml").write_text(text)
    with pytest.raises(ConfigError, match="there is no `lab:` section"):
        load_lab(Path("lab.yaml"))


def test_a_scalar_for_the_lab_is_told() -> None:
    Path("lab.yaml").write_text("other: 1\nlab: seven\n")
    with pytest.raises(ConfigError, match=r"lab\.yaml:2: lab: a mapping is expected, not 'seven'"):
        load_lab(Path("lab.yaml"))


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (["-f", "a.yaml", "lab.up"], "a.yaml"),
        (["-fa.yaml", "lab.up"], "a.yaml"),
        (["--config", "a.yaml"], "a.yaml"),
        (["--config=a.yaml"], "a.yaml"),
        (["lab.up", "-f", "a.yaml"], "a.yaml"),
        (["lab.up"], None),
        (["os.ssh", "--", "-f", "a.yaml"], None),
        (["-f"], None),
    ],
)
def test_the_file_is_found_on_the_command_line(line: list[str], file: str | None) -> None:
    found = named_on_command_line(line)
    assert (str(found) if found else None) == file


CONTRADICTIONS = {
    "scalar for a mapping": (
        "lab: {rocky: {release: 9}}\n",
        "lab:\n  rocky: 9\n",
        "2: lab.rocky: 9: a mapping is expected",
    ),
    "nothing for a mapping": ("lab: {rocky: {release: 9}}\n", "lab:\n  rocky:\n", "2: lab.rocky: None: a mapping is"),
    "mapping for a scalar": ("lab: {switch: Lab}\n", "lab:\n  switch: {a: 1}\n", "2: lab.switch: a mapping stands"),
    "mapping for nothing": ("lab: {id: }\n", "lab:\n  id: {a: 1}\n", "2: lab.id: a mapping stands here"),
    "against Invoke": ("lab: {}\n", "tasks: 3\n", "1: tasks: 3: a mapping is expected, as in Invoke's own settings"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_shape_that_contradicts_the_project_is_told(name: str, here: Path) -> None:
    project, extra, expected = CONTRADICTIONS[name]
    (here / "invoke.yaml").write_text(project)
    (here / "extra.yaml").write_text(extra)
    with pytest.raises(ConfigError) as error:
        refuse_broken_files(here, ["-f", "extra.yaml"])
    assert f"extra.yaml:{expected}" in error.value.problem


def test_the_projects_own_file_is_checked_without_f(here: Path) -> None:
    (here / "invoke.yaml").write_text("run: fast\n")
    with pytest.raises(ConfigError, match=r"invoke\.yaml:1: run: 'fast': a mapping is expected"):
        refuse_broken_files(here, ["lab.up"])


def test_a_kind_of_file_that_invoke_does_not_take_is_told(here: Path) -> None:
    (here / "lab.txt").write_text("lab: {}\n")
    with pytest.raises(ConfigError, match="not a name that Invoke takes"):
        refuse_broken_files(here, ["-f", "lab.txt"])


def test_the_file_named_in_the_environment_is_checked_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOKE_RUNTIME_CONFIG", "none.yaml")
    with pytest.raises(ConfigError, match="no such file"):
        refuse_broken_files(here, [])


def test_good_files_are_left_alone(here: Path) -> None:
    (here / "invoke.yaml").write_text("lab: {id: , rocky: {release: 9}}\n")
    (here / "extra.yaml").write_text("lab: {id: '0001', rocky: {release: 10}, hosts: {}}\n")
    refuse_broken_files(here, ["-f", "extra.yaml", "lab.up"])
