"""Files with mistakes: the rehearsal's lab, with one text replaced by another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.description.load import load_lab
from labkit.errors import ConfigError

GOOD = (Path(__file__).resolve().parents[3] / "labs" / "rehearsal.yaml").read_text(encoding="utf-8")


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is said of the good file with `changes` (old, new) made to it, one line a problem."""

    def say(*changes: tuple[str, str], text: str = GOOD) -> str:
        for old, new in changes:
            assert text.count(old) >= 1, old
            text = text.replace(old, new, 1)
        monkeypatch.chdir(tmp_path)
        Path("lab.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as error:
            load_lab(Path("lab.yaml"))
        return error.value.problem

    return say
