"""Whatever the code page of this computer: descriptions are read as UTF-8, and what the page lacks is spelled out.

Python before 3.15 reads and writes in the code page where nobody says otherwise: 949 in Korea, 1252 in the west.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import yaml
from invoke.config import Config


def read_descriptions_as_utf_8() -> None:
    """Have Invoke read invoke.yaml and the file after -f as `labkit.description.source` does."""
    Config._load_yaml = Config._load_yml = _load_yaml


def _load_yaml(_: Config, path: str) -> Any:
    return yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))


def spell_out_what_cannot_be_written() -> None:
    r"""Let standard output write \uc774 for a character that its encoding lacks, as standard error does by itself."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not where a test listens
        sys.stdout.reconfigure(errors="backslashreplace")
