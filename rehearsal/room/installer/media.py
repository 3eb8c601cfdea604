"""Where the packages come from: the install tree behind `url`, or the DVD in the drive, and its repositories."""

from __future__ import annotations

import configparser

from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.kickstart import Plan

DVD = "/run/install/repo"  # where Anaconda mounts the medium


def repositories(plan: Plan, tree: str, treeinfo: str) -> dict[str, str]:
    """Name and address of every repository: those of the tree itself (its .treeinfo) and those of `repo` lines."""
    info = read(treeinfo)
    base = tree.rstrip("/")
    found = {
        info[section]["id"]: f"{base}/{info[section]['repository']}"
        for section in info.sections()
        if section.startswith("variant-") and "repository" in info[section]
    }
    return {**found, **plan.repositories}


def release(treeinfo: str) -> int:
    """The major release of a tree; InstallError when its .treeinfo does not say one."""
    version = read(treeinfo).get("release", "version", fallback="")
    major = version.partition(".")[0]
    if not major.isdigit():
        raise InstallError("the install tree's .treeinfo names no release")
    return int(major)


def read(treeinfo: str) -> configparser.ConfigParser:
    info = configparser.ConfigParser(interpolation=None)
    try:
        info.read_string(treeinfo)
    except configparser.Error as error:
        raise InstallError(f"the install tree's .treeinfo cannot be read: {error}") from error
    return info


def dnf_configuration(repositories: dict[str, str]) -> str:
    """A dnf .repo file. Anaconda checks no signatures unless told to, and neither does this."""
    blocks = (
        f"[{name}]\nname={name}\nbaseurl={address}\nenabled=1\ngpgcheck=0\n" for name, address in repositories.items()
    )
    return "\n".join(blocks)
