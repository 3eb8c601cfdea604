"""Upstream manifests are fetched as the very files of their releases, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml

from labkit.project import ANSIBLE
from rehearsal.kubernetes import manifests
from tests.contracts.ansible.conftest import Play

ROLES = ANSIBLE / "roles"
CONTENT = b"kind: List\n"
FETCH = """
- hosts: bootstrap
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: manifests, tasks_from: fetch}
"""


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with one manifest, and what its server says of it."""
    file = tmp_path / "served" / "a" / "one.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    file.with_name("one.yaml.sha256").write_text(f"{digest(CONTENT)}  one.yaml\n", encoding="ascii")
    return tmp_path / "served"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(play: Play, folder: Path, served: Path, checksums: str, sha256: str) -> tuple[int, str, Path]:
    if os.geteuid() != 0:
        pytest.skip("what is fetched belongs to root")
    (folder / "fetch.yml").write_text(FETCH, encoding="utf-8")
    cache = folder / "cache"
    variables = {
        "manifests_url": served.as_uri(), "manifests_cache": str(cache), "manifests_checksums": checksums,
        "manifests_files": {"a/one.yaml": sha256},
    }  # fmt: skip
    done = play("fetch.yml", "--extra-vars", json.dumps(variables))
    return done.returncode, done.stdout + done.stderr, cache / "a" / "one.yaml"


def test_another_file_under_its_name_is_refused_and_not_kept(play: Play, folder: Path, served: Path) -> None:
    code, said, kept = fetch(play, folder, served, "pinned", digest(b"the real one"))
    assert (code, kept.exists()) == (2, False), said
    assert "did not match" in said


def test_a_mirror_is_held_to_what_it_says_itself(play: Play, folder: Path, served: Path) -> None:
    assert fetch(play, folder, served, "beside", digest(b"upstream's"))[0] == 0
    (served / "a" / "one.yaml").write_bytes(b"torn")
    (folder / "cache" / "a" / "one.yaml").unlink()
    code, said, kept = fetch(play, folder, served, "beside", digest(b"upstream's"))
    assert (code, kept.exists()) == (2, False), said


@pytest.mark.parametrize("checksums", ["pinned", "beside"])
def test_the_very_file_is_kept_while_its_source_is_away(play: Play, folder: Path, served: Path, checksums: str) -> None:
    assert fetch(play, folder, served, checksums, digest(CONTENT))[0] == 0
    (served / "a" / "one.yaml").unlink()
    (served / "a" / "one.yaml.sha256").unlink()
    code, said, kept = fetch(play, folder, served, checksums, digest(CONTENT))
    assert (code, kept.read_bytes()) == (0, CONTENT), said
    assert "changed=0" in said


def test_every_manifest_that_a_role_fetches_has_a_checksum_of_its_release() -> None:
    """They were taken from the projects' own repositories at these tags: a new version needs new ones."""
    cni, csi = (yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text("utf-8")) for role in ("cni", "csi"))
    assert set(cni["cni_checksums"]) == {"calico", "flannel"}
    pinned = [*cni["cni_checksums"].values(), *csi["csi_checksums"].values()]
    assert all(len(one) == 64 and int(one, 16) for one in pinned)
    assert len(set(pinned)) == len(pinned)
    paths = {f"kubernetes-csi/csi-driver-nfs/{csi['csi_version']}/deploy/{csi['csi_version']}/{name}"
             for name in csi["csi_checksums"]}  # fmt: skip
    assert paths < set(manifests.tree())
