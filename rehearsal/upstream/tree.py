"""Makes the served tree: Rocky's install tree in its own layout, the package repositories, manifests and wheels.

Built outside the namespace, where the package registries can be reached; what is downloaded is kept in a cache.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from rehearsal.upstream import boot, rocky
from rehearsal.upstream.rpm import Package, index
from rehearsal.upstream.rpm import build as build_rpms

KUBERNETES_VERSION = "1.36.4"
ANSIBLE_CORE = "2.19.14"  # the version that the tests run, too
Say = Callable[[str], None]


def build(root: Path, cache: Path, initrd: bytes, kubectl: Path, say: Say = print) -> Path:
    """Make `root`/upstream and return it; `initrd` is the stand-in installer's, `kubectl` the real program.

    RuntimeError or CalledProcessError when a download or rpmbuild fails; a half-made tree is never left in place.
    """
    cache.mkdir(parents=True, exist_ok=True)
    fresh = root / "upstream.new"
    shutil.rmtree(fresh, ignore_errors=True)
    say("upstream: install tree and package repositories")
    for release in (9, 10):
        _install_tree(fresh / "rocky" / str(release), release, cache, initrd)
        stable = fresh / "containerd" / "linux" / "rhel" / str(release) / "x86_64" / "stable"
        _repository(stable, rocky.packages(rocky.CONTAINERD))
    _kubernetes(fresh, kubectl)
    say("upstream: Python wheels of ansible-core")
    _wheels(fresh / "python" / "simple", cache / f"wheels-{ANSIBLE_CORE}")
    target = root / "upstream"
    shutil.rmtree(target, ignore_errors=True)
    return fresh.rename(target)


def _install_tree(tree: Path, release: int, cache: Path, initrd: bytes) -> None:
    """The layout of a Rocky DVD: .treeinfo, EFI/BOOT, images/pxeboot, BaseOS and AppStream."""
    files = boot.files(cache)
    for path, content in {**files, "images/pxeboot/initrd.img": initrd}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    (tree / ".treeinfo").write_text(_treeinfo(tree, release, [*files, "images/pxeboot/initrd.img"]), encoding="utf-8")
    _repository(tree / "BaseOS", rocky.packages(rocky.BASE_OS), rocky.comps())
    _repository(tree / "AppStream", rocky.packages(rocky.APP_STREAM))


def _treeinfo(tree: Path, release: int, files: Iterable[str]) -> str:
    """What the installer reads to know a tree (productmd's format)."""
    sums = "".join(f"{path} = sha256:{hashlib.sha256((tree / path).read_bytes()).hexdigest()}\n" for path in files)
    variants = "".join(
        f"\n[variant-{name}]\nid = {name}\nname = {name}\npackages = {name}/Packages\nrepository = {name}\n"
        f"type = variant\nuid = {name}\n"
        for name in ("BaseOS", "AppStream")
    )
    return (
        "[header]\ntype = productmd.treeinfo\nversion = 1.2\n"
        f"\n[release]\nname = Rocky Linux\nshort = Rocky\nversion = {release}\n"
        "\n[tree]\narch = x86_64\nplatforms = x86_64\nvariants = BaseOS,AppStream\nbuild_timestamp = 1763800000\n"
        "\n[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n"
        f"{variants}\n[checksums]\n{sums}"
    )


def _repository(directory: Path, packages: list[Package], groups: str | None = None) -> None:
    build_rpms(packages, directory / "Packages")
    index(directory, groups)


def _kubernetes(fresh: Path, kubectl: Path) -> None:
    """Kubernetes packages and manifests, both from the stand-in of Kubernetes."""
    stand_in = importlib.import_module("rehearsal.kubernetes.packages")
    manifests = importlib.import_module("rehearsal.kubernetes.manifests")
    minor = KUBERNETES_VERSION.rpartition(".")[0]
    for name, packages in stand_in.packages(KUBERNETES_VERSION, kubectl).items():
        _repository(fresh / name / "core:" / "stable:" / f"v{minor}" / "rpm", packages)
    for path, content in manifests.tree().items():
        file = fresh / "manifests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        checksum = f"{hashlib.sha256(content).hexdigest()}  {file.name}\n"
        file.with_name(f"{file.name}.sha256").write_text(checksum, encoding="ascii")


def _wheels(simple: Path, cache: Path) -> None:
    """A package index (PEP 503, as directories of files) of ansible-core and all it needs."""
    if not (cache / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="lab-pip-") as away:  # no pip configuration of a checkout applies there
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--only-binary=:all:",
                "--dest",
                str(cache),
            ]
            subprocess.run(
                [*command, f"ansible-core=={ANSIBLE_CORE}", "pip", "wheel", "setuptools"],
                check=True,
                cwd=away,
            )
        (cache / "complete").touch()
    for wheel in cache.glob("*.whl"):
        project = wheel.name.partition("-")[0].lower().replace("_", "-").replace(".", "-")
        (simple / project).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(wheel, simple / project / wheel.name)
