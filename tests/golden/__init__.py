"""Files that rendered text must equal. `LAB_GOLDEN=write pytest ...` writes them anew: read what git shows then."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def check(name: str, text: str) -> None:
    """Hold `text` against the golden file `name`."""
    file = FOLDER / name
    if os.environ.get("LAB_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")
