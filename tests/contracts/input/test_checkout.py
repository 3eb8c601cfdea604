"""`inv` in one checkout with another one's environment: it would act on the other's lab, so it says so and ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.contracts.input.conftest import ROOT, Answer, Project

FIX = "python -m pip install --editable ."
SITE = sysconfig.get_paths()["purelib"]


def without_labkit(folder: Path, *words: str, path: str = SITE) -> Answer:
    """Invoke as an environment runs it that has what labkit needs, and labkit only where `path` leads to one.

    -S leaves the .pth file of this environment's own editable installation unread, -P the working directory.
    """
    command = [sys.executable, "-S", "-P", "-m", "invoke", *words]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": path, "HOME": str(folder)}, capture_output=True, text=True, timeout=120
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def refused(answer: Answer, *folders: Path) -> None:
    assert answer.code == 2, answer
    assert answer.output == ""
    first, *others = answer.errors.splitlines()
    assert first.startswith("error: ")
    assert FIX in " ".join(others)
    for folder in folders:
        assert str(folder) in answer.errors
    assert "Traceback" not in answer.errors


@pytest.mark.parametrize("line", [("--list",), ("lab.plan",), ("--dry", "lab.destroy"), ("-f", "gone.yaml", "lab.up")])
def test_another_checkouts_environment_is_refused_whatever_is_asked(project: Project, line: tuple[str, ...]) -> None:
    refused(project.inv(*line, PYTHONPATH=""), project.folder, ROOT)
    assert project.kept() == []


def test_it_is_refused_before_the_description_is_read(project: Project) -> None:
    (project.folder / "invoke.yaml").write_text("lab: [", encoding="utf-8")
    refused(project.inv("lab.status", PYTHONPATH=""), project.folder, ROOT)


def test_a_folder_named_with_r_is_refused_from_anywhere(project: Project, tmp_path: Path) -> None:
    elsewhere = Project(tmp_path)
    refused(elsewhere.inv("-r", str(project.folder), "lab.plan", PYTHONPATH=""), project.folder, ROOT)


def test_a_copy_of_the_library_among_the_packages_is_refused(project: Project, tmp_path: Path) -> None:
    """What `pip install .` makes: without --editable the library has no templates, scripts and tasks beside it."""
    shutil.copytree(project.folder / "labkit", tmp_path / "packages" / "labkit")
    path = f"{tmp_path / 'packages'}:{SITE}"
    refused(without_labkit(project.folder, "lab.plan", path=path), project.folder, tmp_path / "packages")


def test_an_environment_without_the_library_is_refused(project: Project) -> None:
    refused(without_labkit(project.folder, "--list"), project.folder)


def test_the_same_checkout_by_another_path_lists_its_tasks(project: Project, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(project.folder)
    answer = Project(link).inv("--list", PYTHONPATH=str(project.folder))
    assert (answer.code, answer.errors) == (0, "")
    assert "lab.rebuild" in answer.output
