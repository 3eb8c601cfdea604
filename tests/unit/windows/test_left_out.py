"""What is left out on Windows is there elsewhere: a name that nobody has any more would hide that its test now runs."""

import re
from pathlib import Path

import pytest

from tests.windows import NOT_THERE

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("begin", NOT_THERE)
def test_what_is_left_out_on_windows_is_a_test(begin: str) -> None:
    path, _, test = begin.partition("::")
    test, _, case = test.partition("[")
    files = [ROOT / path] if path.endswith(".py") else list((ROOT / path).rglob("test_*.py"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert re.search(rf"^ *def {test or 'test_'}", text, flags=re.MULTILINE)
    assert case in text
