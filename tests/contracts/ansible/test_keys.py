"""A repository's packages count as signed only by the key whose fingerprint the role knows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

TOOLS = ("gpg", "rpm")
missing = [tool for tool in TOOLS if not shutil.which(tool)]
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}"),
]
FOREIGN = "DE15B14486CD377B9E876E1A234654DA9A296436"


def gpg(home: Path, *words: str) -> str:
    command = ["gpg", "--batch", "--homedir", str(home), "--pinentry-mode=loopback", "--passphrase=", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """A key's file and its fingerprint."""
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg(home, "--quick-generate-key", "packages@example.org", "rsa2048", "sign", "1y")
    (tmp_path / "key").write_text(gpg(home, "--armor", "--export"), encoding="utf-8")
    lines = [line.split(":") for line in gpg(home, "--with-colons", "--list-keys").splitlines()]
    return tmp_path / "key", next(line[9] for line in lines if line[0] == "fpr")


def prepare(begun: Begun, key: Path, fingerprint: str) -> Run:
    """The role `packages` on w1, with one repository, which is empty."""
    given = {"name": "lab-test", "summary": "x", "url": "file:///nowhere", "signed": True, "held": []}
    repository = given | {"key": str(key), "fingerprint": fingerprint}
    return begun.play(
        "2-prepare.yml", "w1", role="packages", packages_repositories=[repository], ansible_facts={"pkg_mgr": "dnf"}
    )


def test_another_key_is_refused_before_anything_is_installed(begun: Begun, key: tuple[Path, str]) -> None:
    (failure,) = prepare(begun, key[0], FOREIGN).failures
    assert FOREIGN in failure.message
    assert key[1] in failure.message
    (failure,) = prepare(begun, *key).failures
    assert "Ensure all packages are installed" in failure.task  # the key was taken; the repository is not there
