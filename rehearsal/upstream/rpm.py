"""RPM packages of stand-in programs, made by rpmbuild, and the repositories that serve them.

dnf in the machines treats them as any other package: they have a name, a version, files, requirements and scripts. What
they contain stands in for the package of the same name, and their summary says so.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ARCH = "x86_64"


@dataclass(frozen=True)
class Package:
    """One package: files by absolute path (content, or a file to copy), symbolic links by absolute path."""

    name: str
    version: str
    summary: str
    files: Mapping[str, bytes | Path] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    post: str = ""
    release: str = "1"

    @property
    def file_name(self) -> str:
        return f"{self.full_name}.{ARCH}.rpm"

    @property
    def full_name(self) -> str:
        return f"{self.name}-{self.version}-{self.release}"


def build(packages: Iterable[Package], out_dir: Path) -> None:
    """Build every package into `out_dir` with one rpmbuild for all (it takes 0.1 s a package, and 0.5 s to start)."""
    packages = list(packages)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-rpm-") as folder:
        top = Path(folder)
        specs = []
        for package in packages:
            payload = top / "payload" / package.full_name
            _lay_out(package, payload)
            spec = top / f"{package.full_name}.spec"
            spec.write_text(spec_text(package, payload), encoding="utf-8")
            specs.append(str(spec))
        command = [
            "rpmbuild",
            "-bb",
            "--quiet",
            "--define",
            f"_topdir {top}",
            "--define",
            f"_rpmdir {out_dir}",
        ]
        command += [
            "--define",
            "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
            "--target",
            ARCH,
            *specs,
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"rpmbuild failed:\n{result.stderr[-3000:]}")


def index(directory: Path, groups: str | None = None) -> None:
    """Write the repository's metadata (repodata/) over its packages; `groups` is a comps file's text."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory / "repodata", ignore_errors=True)
    command = ["createrepo_c", "--quiet", "--no-database", str(directory)]
    with tempfile.NamedTemporaryFile("w", prefix="lab-comps-", suffix=".xml", encoding="utf-8") as comps:
        if groups:
            comps.write(groups)
            comps.flush()
            command += ["--groupfile", comps.name]
        subprocess.run(command, check=True, capture_output=True)


def _lay_out(package: Package, payload: Path) -> None:
    payload.mkdir(parents=True)
    for path, content in package.files.items():
        target = payload / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
        target.chmod(package.modes.get(path, 0o644))
    for path, pointed in package.links.items():
        target = payload / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(pointed)


def spec_text(package: Package, payload: Path) -> str:
    """The spec file of a package whose files are laid out below `payload`.

    Requirements are only those that are named (the payload is Debian's or a script), and nothing is stripped.
    """
    lines = [
        f"Name: {package.name}",
        f"Version: {package.version}",
        f"Release: {package.release}",
        f"Summary: {package.summary}",
        "License: MIT",
        "AutoReqProv: no",
        "%global debug_package %{nil}",
        "%global __os_install_post %{nil}",
        "%global _binary_payload w1.gzdio",
        *(f"Requires: {need}" for need in package.requires),
        *(f"Provides: {name}" for name in package.provides),
        "%description",
        package.summary,
        "%install",
        f"cp -a {payload}/. %{{buildroot}}/",
        *(["%post", package.post] if package.post else []),
        "%files",
        *(f'"{path}"' for path in [*package.files, *package.links]),
    ]
    return "\n".join(lines) + "\n"
