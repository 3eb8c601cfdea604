"""The Ansible tree of a lab, as it lies on the bootstrap server, and a way to run playbooks of it on this computer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.k8s import tree
from labkit.project import ANSIBLE
from tests.contracts.ansible.begun import PLAYBOOK, Begun, environment_of

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    """What `tree.push` makes of the rehearsal's lab."""
    target = tmp_path / "ansible"
    shutil.copytree(ANSIBLE, target, ignore=shutil.ignore_patterns(".ansible", "__pycache__"))
    for name, text in tree.rendered(lab).items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")
    return target


@pytest.fixture
def play(folder: Path) -> Play:
    """Run `ansible-playbook` there; the machines are this computer, nobody becomes root."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = environment_of(folder) | variables
        command = [*PLAYBOOK, *arguments]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def begun(folder: Path, tmp_path: Path) -> Begun:
    """A machine whose cluster may be anywhere between nothing and made."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare: mounts and a network of its own")
    return Begun(folder, tmp_path)
