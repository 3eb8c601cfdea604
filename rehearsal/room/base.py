"""The base image of all machines: Debian's programs, presented as Rocky Linux, with most of them out of sight.

What a kickstart or a role installs is a stand-in RPM that brings a hidden program back. The image is cached by content:
of the Debian packages, of the hidden paths, of the stand-in programs, and of the host kernel's configuration.
"""

from __future__ import annotations

import gzip
import hashlib
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from rehearsal.room import debian, face, notes
from rehearsal.room.command import run
from rehearsal.upstream.hidden import HIDDEN, HIDDEN_UNITS, STORE

HERE = Path(__file__).parent
STANDINS = HERE / "standins"

# Stand-in program -> the names it is called by; those below STORE are hidden until an RPM brings them.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "modprobe": ("/usr/sbin/modprobe", "/usr/sbin/rmmod", "/usr/sbin/insmod", "/usr/sbin/lsmod", "/usr/bin/lsmod"),
    "swapon": ("/usr/sbin/swapon", "/usr/sbin/swapoff"),
    "sysctl": ("/usr/sbin/sysctl",),
    "lsblk": ("/usr/bin/lsblk",),
    "chronyc": (f"{STORE}/usr/bin/chronyc",),
    "selinux": (
        "/usr/sbin/getenforce", "/usr/sbin/setenforce", "/usr/sbin/selinuxenabled", "/usr/sbin/sestatus",
        "/usr/sbin/restorecon", "/usr/sbin/getsebool", "/usr/sbin/setsebool", "/usr/sbin/matchpathcon",
        f"{STORE}/usr/sbin/semanage",
    ),
}  # fmt: skip
PASSING_ON = frozenset({"chronyc"})  # they ask the real program, which lies beside them as NAME.real
LOADED = Path("/proc/modules")
PROGRAM_DIR = "/usr/lib/rehearsal/standins"

# Package managers that Rocky does not have: Ansible would pick apt if it found it.
FOREIGN = ("usr/bin/apt*", "usr/bin/dpkg*", "usr/sbin/dpkg*", "etc/apt", "etc/debian_version", "etc/dpkg")
# Where the kernel's configuration name and the module's name differ; else the module is the name in lower case.
MODULE_NAMES = {
    "BRIDGE_NETFILTER": "br_netfilter", "OVERLAY_FS": "overlay", "NFS_FS": "nfs", "NFS_V4": "nfsv4", "XFS_FS": "xfs",
    "EXT4_FS": "ext4", "VLAN_8021Q": "8021q", "BLK_DEV_LOOP": "loop", "FUSE_FS": "fuse", "IP_NF_IPTABLES": "ip_tables",
}  # fmt: skip


def image(cache: Path, say: Callable[[str], None] = print) -> Path:
    """Return the root of the base image, made when its content differs from every image in `cache`."""
    source = debian.tree(cache, say)
    target = cache / f"image-{key(source)}"
    if target.exists():
        return target
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run(["cp", "-a", source, partial])
    build(partial)
    partial.rename(target)
    return target


def key(source: Path) -> str:
    """A digest of everything that decides the image's content."""
    digest = hashlib.sha256(source.name.encode())
    own = [path for path in sorted(STANDINS.rglob("*")) if path.is_file()]
    for path in [*own, Path(__file__), Path(face.__file__), Path(notes.__file__)]:
        digest.update(path.read_bytes())
    digest.update(repr((HIDDEN, HIDDEN_UNITS, platform.release())).encode())
    return digest.hexdigest()[:12]


def prune(cache: Path, keep: Path) -> None:
    """Remove images of earlier contents from the cache; no installed disk may be a layer over one of them."""
    for image in cache.glob("image-*"):
        if image != keep:
            shutil.rmtree(image)


def build(root: Path) -> None:
    """Turn a fresh Debian tree into the base image, in place."""
    _forget_services(root)
    for pattern in FOREIGN:
        for path in root.glob(pattern):
            hide(root, path.relative_to(root))
    for pattern in [entry for group in HIDDEN.values() for entry in group] + list(HIDDEN_UNITS):
        for path in sorted(root.glob(pattern.lstrip("/"))):
            hide(root, path.relative_to(root))
    _place_programs(root)
    face.put_on(root)
    notes.write_into(root, notes.MACHINES)
    modules = root / "usr/lib/modules" / platform.release()
    modules.mkdir(parents=True)
    names = kernel_modules(platform.release())
    (modules / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in names), encoding="utf-8")


def hide(root: Path, path: Path) -> None:
    """Move a file or folder of the tree out of sight, to the same path below STORE."""
    target = root / STORE.lstrip("/") / path
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / path).rename(target)


def kernel_modules(release: str) -> list[str]:
    """The modules that the host's kernel has built in or loaded: what a machine may load.

    Nothing is ever loaded for a machine, so a module that merely lies on the host's disk does not count.
    """
    lines = configuration(release).splitlines()
    options = [line.split("=")[0].removeprefix("CONFIG_") for line in lines if line.endswith("=y")]
    found = {MODULE_NAMES.get(option, option.lower()) for option in options}
    if LOADED.exists():
        found |= {line.split()[0] for line in LOADED.read_text(encoding="utf-8").splitlines()}
    return sorted(found)


def configuration(release: str) -> str:
    """The configuration that the host's kernel was built with: of itself, else of its package; empty when unknown."""
    own = Path("/proc/config.gz")
    if own.exists():
        return gzip.decompress(own.read_bytes()).decode()
    file = Path(f"/boot/config-{release}")
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _forget_services(root: Path) -> None:
    """Disable every unit that Debian's packages enabled: the RPMs enable Rocky's."""
    units = root / "etc/systemd/system"
    for entry in units.iterdir():
        if entry.is_symlink():
            entry.unlink()
        elif entry.suffix in (".wants", ".requires"):
            shutil.rmtree(entry)


def _place_programs(root: Path) -> None:
    folder = root / PROGRAM_DIR.lstrip("/")
    shutil.copytree(STANDINS / "bin", folder, dirs_exist_ok=True)
    shutil.copy2(STANDINS / "machine-boot", folder)
    for program, names in PROGRAMS.items():
        for name in names:
            path = root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if program in PASSING_ON:
                path.rename(path.with_name(f"{path.name}.real"))
            path.unlink(missing_ok=True)
            path.symlink_to(f"{PROGRAM_DIR}/{program}")
    for path in folder.iterdir():
        path.chmod(0o755)
    unit = root / "usr/lib/systemd/system/rehearsal-machine.service"
    shutil.copy2(STANDINS / unit.name, unit)
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir()
    (wants / unit.name).symlink_to(f"/usr/lib/systemd/system/{unit.name}")
