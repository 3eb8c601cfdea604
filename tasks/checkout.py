"""Whose labkit this `inv` would import. Nothing of labkit is imported for it: another checkout's may be of any age."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from invoke.exceptions import Exit

ROOT = Path(__file__).resolve().parent.parent
WRONG_ENVIRONMENT = 2


def refuse_another_ones_labkit() -> None:
    """End `inv` unless labkit lies beside these tasks: it takes the lab and `.lab` from the folder that it lies in.

    Raises Exit (code 2) where the environment has another checkout's labkit, a copy of it among its packages
    (installed without --editable), or none.
    """
    own = ROOT / "labkit"
    spec = find_spec("labkit")
    found = Path(spec.origin).parent if spec and spec.origin else None
    if found and own.exists() and own.samefile(found):
        return
    whose = f"has the labkit of {found.parent}, and would act on that folder's lab" if found else "has no labkit"
    raise Exit(
        f"error: these tasks are those of {ROOT}, but the Python environment {whose}\n"
        f"hint: activate an environment of {ROOT}, and there: python -m pip install --editable .",
        code=WRONG_ENVIRONMENT,
    )
