"""What real dnf makes of the packages' role: what was installed once stays, until the lab says another version."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.k8s.events import Run
from labkit.project import PYTHON
from labkit.pxe import images
from rehearsal.upstream.rpm import Package, build, index
from tests.contracts.ansible.begun import Begun

TOOLS = ("rpmbuild", "createrepo_c", "dnf")
missing = [tool for tool in TOOLS if not shutil.which(tool)]
pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}"),
]


def offer(folder: Path, *versions: str) -> None:
    """A repository as Docker's is: a new version comes beside the others."""
    build([Package("cri-tools", "1.36.0", "x"), *(Package("containerd.io", each, "x") for each in versions)], folder)
    index(folder)


def prepare(begun: Begun, folder: Path) -> Run:
    repository = {
        "name": "lab-containerd",
        "summary": "x",
        "url": folder.as_uri(),
        "signed": False,
        "held": ["containerd.io"],
    }
    nothing: dict[str, list[str]] = {f"packages_{of}": [] for of in ("common", "nodes", "control_plane", "kubernetes")}
    facts = {"pkg_mgr": "dnf"}  # this computer's would name its own
    return begun.play(
        "2-prepare.yml", "w1", role="packages", packages_repositories=[repository], ansible_facts=facts, **nothing
    )


def installed(home: Path) -> str:
    environment = os.environ | {"HOME": str(home)}  # Debian's rpm has its database there
    command = ["rpm", "--query", "--queryformat=%{version}", "containerd.io"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_containerd_stays_as_it_was_installed_when_a_newer_one_is_offered(begun: Begun, tmp_path: Path) -> None:
    begun.put("/etc/dnf/dnf.conf", content="[main]\ngpgcheck=1\nbest=True\n")  # as Rocky Linux has it
    folder = tmp_path / "served"
    offer(folder, "1.7.29", "2.1.0", "2.2.1", "3.0.0")
    first = prepare(begun, folder)
    assert first.result == "success", first.failures
    assert installed(tmp_path) == "2.2.1"
    offer(folder, "2.3.4")
    second = prepare(begun, folder)
    assert second.result == "success", second.failures
    assert not second.changed
    assert installed(tmp_path) == "2.2.1"


def test_what_is_fetched_ahead_is_what_the_role_would_install(tmp_path: Path) -> None:
    offer(tmp_path, "1.7.29", "2.1.0", "2.2.1", "3.0.0")
    settings: dict[str, object] = {"repositories": {"containerd": tmp_path.as_uri()}}
    settings |= {"packages": ["cri-tools", images.pinned("packages", "packages_containerd")]}
    urls, _ = runpy.run_path(str(PYTHON / "prefetch.py"))["package_urls"](settings)
    assert sorted(url.rpartition("/")[2] for url in urls) == [
        "containerd.io-2.2.1-1.x86_64.rpm",
        "cri-tools-1.36.0-1.x86_64.rpm",
    ]
