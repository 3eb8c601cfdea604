"""dnf itself finds the stand-in packages, their groups and their files."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rehearsal.upstream import rocky
from rehearsal.upstream.rpm import Package, build, index

TOOLS = ("rpmbuild", "createrepo_c", "dnf")
missing = [tool for tool in TOOLS if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed here: {', '.join(missing)}")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("BaseOS")
    build(rocky.packages(rocky.BASE_OS), directory / "Packages")
    index(directory, rocky.comps())
    return directory


def dnf(repository: Path, *words: str) -> str:
    options = [
        f"--repofrompath=base,file://{repository}",
        "--repo=base",
        "--nogpgcheck",
        f"--installroot={repository}-r",
    ]
    options += [f"--installroot={repository}-root", "--releasever=9", "--quiet", "--assumeyes"]
    return subprocess.run(["dnf", *options, *words], check=True, capture_output=True, text=True).stdout


def test_dnf_lists_a_package_with_its_files(repository: Path) -> None:
    assert "/usr/sbin/sshd" in dnf(repository, "repoquery", "--list", "openssh-server")


def test_dnf_resolves_requirements(repository: Path) -> None:
    assert "nftables" in dnf(repository, "repoquery", "--requires", "--resolve", "firewalld")


def test_dnf_knows_the_group_that_kickstarts_name(repository: Path) -> None:
    assert "openssh-server" in dnf(repository, "group", "info", "core")


def test_two_releases_of_one_version_are_built_side_by_side(tmp_path: Path) -> None:
    build([Package("a", "1", "x", release="1"), Package("a", "1", "x", release="2")], tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-1-1.x86_64.rpm", "a-1-2.x86_64.rpm"]
