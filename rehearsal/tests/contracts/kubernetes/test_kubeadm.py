"""Configurations, good and bad, and what a real kubeadm 1.36.2 said of each: recorded in kubeadm.json.

The stand-in is held against the recording; where LAB_KUBERNETES_BIN names a folder with a kubeadm, that one is, and
takes the files that the project renders.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.kubeadm.config import load_init, load_join
from rehearsal.kubernetes.kubeadm.schema import ConfigError
from tests import summary

ROOT = Path(__file__).parents[4]
RENDERED = sorted((ROOT / "tests/golden").glob("**/kubeadm-init.yaml"))
Validate = Callable[[Path], tuple[int, str]]

SERVES_LESS = "the stand-in would not do what it asks for, and says so"
LATER = "the real one takes it and fails later, at its work; nobody should get so far"
# Where the stand-in's verdict is another one, and why it may be.
DIFFERENT = {
    **dict.fromkeys(
        ("dryrun", "ignore-errors-all+", "ignore-errors-bad", "patches-missing", "proxy-disabled", "skip-phases-bad"),
        SERVES_LESS,
    ),
    **dict.fromkeys(("gate-rootless", "pod-dual", "join-v1beta3", "v1beta3"), SERVES_LESS),
    **dict.fromkeys(("only-kubelet", "reset", "upgrade"), "only `config validate` reads them; init and join do not"),
    **dict.fromkeys(("cri-relative", "join-hash-md5", "join-hash-upper"), LATER),
    **dict.fromkeys(("multicast-address", "zero-address"), LATER),
}


@cache
def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "kubeadm.json").read_text(encoding="utf-8"))
    return found


def _real(program: Path) -> Validate:
    def validate(file: Path) -> tuple[int, str]:
        words = [str(program), "config", "validate", "--config", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stderr + done.stdout

    return validate


def _stand_in(file: Path) -> tuple[int, str]:
    try:
        if "kind: JoinConfiguration" in file.read_text(encoding="utf-8"):
            load_join(str(file), {})
        else:
            load_init(str(file))
    except ConfigError as error:
        return 1, f"error: {error}"
    return 0, "ok"


@pytest.fixture(scope="module")
def real() -> Path | None:
    """The kubeadm of LAB_KUBERNETES_BIN."""
    folder = os.environ.get("LAB_KUBERNETES_BIN")
    program = Path(folder or "/nonexistent").absolute() / "kubeadm"
    assert not folder or os.access(program, os.X_OK), f"LAB_KUBERNETES_BIN={folder} has no kubeadm"
    version = ""
    if folder:
        asked = [str(program), "version", "-o", "short"]
        version = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    answered = f"the real {version}" if folder else "the stand-in, held against recorded verdicts"
    summary.say(f"kubeadm's configurations: {answered}")
    return program if folder else None


def test_every_recorded_configuration_gets_the_real_verdict_or_a_reason(real: Path | None, tmp_path: Path) -> None:
    validate = _real(real) if real else _stand_in
    different: dict[str, str] = {}
    for name, case in _recorded()["cases"].items():
        file = tmp_path / f"{name}.yaml"
        file.write_text("---\n".join(_recorded()["documents"][one] for one in case["documents"]), encoding="utf-8")
        code, words = validate(file)
        if code != case["code"]:
            different[name] = f"recorded {case['code']}: {case['words']}; now {code}: {words}"
    expected = set() if real else set(DIFFERENT)
    assert different.keys() == expected, {key: different.get(key, "alike") for key in different.keys() ^ expected}


@pytest.mark.parametrize("file", RENDERED, ids=lambda file: file.parents[1].name)
def test_what_the_project_renders_is_taken_without_a_warning(real: Path | None, file: Path) -> None:
    assert (_real(real) if real else _stand_in)(file) == (0, "ok\n" if real else "ok")
