"""What the events of a run say of a failure, in so many characters as fit."""

from __future__ import annotations

import importlib.util

import pytest

from labkit.project import ANSIBLE


def message(**result: object) -> str:
    spec = importlib.util.spec_from_file_location("lab_events", ANSIBLE / "plugins" / "callback" / "lab_events.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module._message(result))


@pytest.mark.parametrize("prefix", ["", "module_"])
def test_a_long_output_does_not_push_the_error_out(prefix: str) -> None:
    """Such as the table of kubeadm's system verification, before its errors."""
    error = "error: error execution phase preflight"
    said = message(
        failed=True, msg="non-zero return code", **{f"{prefix}stderr": error, f"{prefix}stdout": "OK\n" * 2000}
    )
    assert said.endswith(error)
    assert len(said) == 4000
