"""Who can be asked: Windows calls its NUL, which a task of its scheduler is started with, a terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labkit.controller import terminal


def test_nobody_is_asked_who_types_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert not terminal.is_there()
