"""`inv`, typed at a lab in memory; and that lab, bare or built."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Any

import pytest
from invoke.main import program

import tasks
from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.project import ROOT
from tests.contracts.tasks.inmemory import connect
from tests.contracts.tasks.lan import Lan

LAB = str(ROOT / "labs" / "rehearsal.yaml")


class Inv:
    """The program `inv`, its exit code and all that it says."""

    def __init__(self, lan: Lan, patch: pytest.MonkeyPatch) -> None:
        self._lan, self._patch, self.file = lan, patch, LAB
        self.variables = {"LAB_PASSWORD": "unused", "LAB_ASSUME_YES": "lab-7e57", "COLUMNS": "200"}

    def __call__(self, *line: str) -> int:
        import labkit.session

        labkit.session._open.cache_clear()
        words = ["inv", "-f", self.file, *line]
        own = ("export.json", "bundle.zip")  # in the lab's own folder
        words = [str(self._lan.root / word) if word in own else word for word in words]
        with self._patch.context() as patch:
            for name, double in connect(self._lan).items():
                patch.setattr(name, double)
            patch.setattr(subprocess, "run", _started)
            patch.setattr(StateDir, "of", classmethod(lambda cls, lab: self._lan.state))
            patch.setattr(sys, "argv", words)
            patch.setitem(sys.modules, "tasks", tasks)
            for variable, value in self.variables.items():
                patch.setenv(variable, value)
            patch.chdir(ROOT)
            try:
                program.run(words)
            except SystemExit as end:
                return int(end.code or 0)
        return 0


def _started(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
    """A program beside inv (ssh, the rehearsal): said, and ended well."""
    print(*words)
    return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture(scope="module")
def made(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lan:
    """Two PCs, and beside them what they are before `lab.up` ("bare") and after it ("built")."""
    folder = tmp_path_factory.mktemp("lan")
    lan = Lan(lab, folder / "now")
    shutil.copytree(lan.root, folder / "bare")
    with pytest.MonkeyPatch.context() as patch:
        code = Inv(lan, patch)("lab.up")
    assert code == 0
    lan.keep()
    shutil.copytree(lan.root, folder / "built")
    return lan


@pytest.fixture
def lan(made: Lan, request: pytest.FixtureRequest) -> Lan:
    """The lab as it is before the task: built, unless the row says bare."""
    before = "bare" if request.param else "built"
    shutil.rmtree(made.root)
    shutil.copytree(made.root.with_name(before), made.root)
    made.back(before)
    return made
