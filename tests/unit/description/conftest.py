"""Files with mistakes: the rehearsal's lab, with one text replaced by another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.description.load import load_lab
from labkit.errors import ConfigError

GOOD = (Path(__file__).resolve().parents[3] / "labs" / "rehearsal.yaml").read_text(encoding="utf-8")


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is said of the good file with `changes` (old, new) made to it, one line a problem."""

    def say(*changes: tuple[str, str], text: str = GOOD) -> str:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError) as error:
            lab_with(Path(), *changes, text=text)
        return error.value.problem

    return say


def lab_with(folder: Path, *changes: tuple[str, str], text: str = GOOD) -> Lab:
    """The lab of the good file with each of these texts (old, new) replaced where it first stands."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = folder / "lab.yaml"
    file.write_text(text, encoding="utf-8")
    return load_lab(file)
