"""Windows' paths: how they are written in YAML, and a project in a folder with a blank in its name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit

from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.description.source import read
from labkit.errors import ConfigError
from labkit.machines import enter, entry
from labkit.session import Session

SLIPS = {
    'iso_path: "C:\\ISO\\dvd.iso"\n': "'C:\\ISO\\rocky.iso'",
    'iso_path: "C:\\Users\\kim\\dvd.iso"\n': "'C:\\ISO\\rocky.iso'",
    "lab:\n\tid: x\n": "not tabs",
    "lab: [\n": "correct the YAML",
}


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_of_yaml_is_told_with_what_to_write(tmp_path: Path, text: str) -> None:
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        read(tmp_path / "lab.yaml")
    assert SLIPS[text] in error.value.hint


def test_a_file_in_a_code_page_is_told_with_how_to_save_it(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("# 실습실\n", encoding="cp949")
    with pytest.raises(ConfigError, match="is not UTF-8 text") as error:
        read(tmp_path / "lab.yaml")
    assert "Notepad" in error.value.hint


def test_ssh_goes_through_the_bootstrap_server_from_a_folder_with_a_blank(
    lab: Lab, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ssh that a jump starts gets -F without quotes; it is run here with the real one, to ports that are closed."""
    program = shutil.which("ssh")
    if program is None:
        pytest.skip("no ssh on the PATH")
    monkeypatch.setattr(session, "state", StateDir(tmp_path / "Kim Chulsoo" / "lab"))
    entry.prepare(lab, session.state)
    config = session.state.ssh_config
    config.write_text(config.read_text().replace(str(lab.bootstrap.external.address), "127.0.0.1\n  Port 9"))
    said: list[str] = []
    run = subprocess.run

    def listen(words: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        done = run(words, **given, capture_output=True, text=True)
        said.append(done.stderr)
        return done

    monkeypatch.setattr(subprocess, "run", listen)
    with pytest.raises(Exit):
        enter.enter(session, "w1", "true")
    assert "Connection refused" in said[-1]
