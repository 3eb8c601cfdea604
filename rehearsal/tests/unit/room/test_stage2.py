"""The memory that the installer's image takes: what the stand-in refuses, and that the lab's machines have it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.pxe import files
from rehearsal.room.disk import Disk
from rehearsal.room.installer import stage2
from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.install import Installation, Target
from rehearsal.room.machine import Container
from rehearsal.room.power import Power
from tests.labs import DELIVERED, delivered

TREE = "http://10.190.86.11/rocky/"
TREEINFO = "[release]\nversion = 9.8\n"
RAMFS = ("rootfstype=ramfs",)


@pytest.mark.parametrize(
    ("memory_mb", "words", "tree", "release", "fits"),
    [
        pytest.param(3072, (), TREE, 9, False, id="half of 3 GB is too little for 9"),
        pytest.param(4096, (), TREE, 9, True, id="half of 4 GB holds it"),
        pytest.param(3072, RAMFS, TREE, 9, True, id="a ramfs has no limit"),
        pytest.param(1536, RAMFS, TREE, 9, False, id="what is not there is in no ramfs"),
        pytest.param(3072, (), TREE, 10, True, id="10 is smaller"),
        pytest.param(2048, (), TREE, 10, False, id="and not that small"),
        pytest.param(2048, (), "file:///run/install/repo", 9, True, id="from a medium nothing is copied"),
        pytest.param(2048, ("inst.stage2=hd:LABEL=Rocky",), TREE, 9, True, id="nor where only packages are fetched"),
        pytest.param(2048, (f"inst.stage2={TREE}",), "file:///dvd", 9, False, id="but for a second stage by network"),
    ],
)
def test_the_second_stage_must_fit(memory_mb: int, words: tuple[str, ...], tree: str, release: int, fits: bool) -> None:
    if fits:
        stage2.require_room(words, memory_mb << 20, tree, release)
    else:
        with pytest.raises(InstallError, match=rf"curl: \(23\).* a memory of {memory_mb} MiB"):
            stage2.require_room(words, memory_mb << 20, tree, release)


def command_lines(text: str) -> list[list[str]]:
    """The kernel's words on each `linux` line of a GRUB file."""
    lines = [line.removeprefix("if ").removesuffix("; then") for line in map(str.strip, text.splitlines())]
    return [line.split()[2:] for line in lines if line.startswith("linux ")]


@pytest.mark.parametrize("release", [9, 10])
@pytest.mark.parametrize("name", DELIVERED)
def test_every_machine_of_a_delivered_lab_has_room_for_its_installer(name: str, release: int) -> None:
    lab: Lab = delivered(name)
    lab = replace(lab, rocky=lab.rocky.model_copy(update={"release": release}))
    for machine in lab.installed_by_network:
        lines = command_lines(files.grub_install(lab, machine))
        assert len(lines) == 2  # over HTTP, else TFTP
        for words in lines:
            stage2.require_room(words, machine.memory_mb << 20, TREE, release)


class WithoutMachine(Installation):
    """An installation that comes as far as its tree; what it would do to a machine is noted."""

    done: list[str]

    def _start_environment(self) -> None:
        (self._live.root / "tmp").mkdir(parents=True)

    def _fetch(self, address: str) -> str:
        return TREEINFO

    def _script(self, script: Any, container: Container) -> None:
        self.done.append(script.kind)


def test_a_machine_without_that_memory_runs_none_of_its_kickstart(tmp_path: Path) -> None:
    container = Container("w1", tmp_path, tmp_path, "", (), ())
    target = Target(container, tmp_path, {}, 2 << 30, Disk(tmp_path), tmp_path, tmp_path / "log", None)
    text = "zerombr\nautopart\nrootpw --lock\n%pre\n%end\n%onerror\n%end\n"
    installation = WithoutMachine(target, text, [f"inst.repo={TREE}"], Power("2f02befc"), lambda _: None)
    installation.done = []
    with pytest.raises(InstallError, match=r"curl: \(23\)"):
        installation.run()
    assert installation.done == []
