"""Become a container: run as the first process of fresh namespaces, with a description in JSON as the only argument.

The container's root is an overlay over the machine's own files; its image's files and what it writes lie on a tmpfs
that ends with it. This file is run by its path with bare Python, so that a container starts in no time:
no imports beyond the standard library's smallest.
"""

# pathlib costs 10 ms a container, and replacing this process is the purpose:
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH110, PTH112, PTH114, PTH115, PTH120, PTH123, PTH211, S606
import ctypes
import json
import os
import sys

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
MNT_DETACH, PIVOT_ROOT = 2, {"x86_64": 155, "aarch64": 41}
LIBC = ctypes.CDLL(None, use_errno=True)
CANNOT_START = 128
# Which modules a machine of the room has loaded: a real container sees its machine's by /proc/modules.
MODULES = "/run/rehearsal/modules"


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError that names both ends."""
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")


def inside(root: str, path: str) -> str:
    """Where `path` of the container lies below `root`; symbolic links are followed as the container would."""
    done, parts = "", [part for part in path.split("/") if part]
    for _ in range(200):
        if not parts:
            break
        part = parts.pop(0)
        if part in (".", ".."):
            done = os.path.dirname(done) if part == ".." else done
            continue
        here = f"{root}{done}/{part}"
        if os.path.islink(here):
            target = os.readlink(here)
            parts = [piece for piece in target.split("/") if piece] + parts
            done = "" if target.startswith("/") else done
        else:
            done = f"{done}/{part}"
    return root + done


def bind(root: str, source: str, path: str, read_only: bool) -> None:
    """Put `source` (a file or a folder of the machine) at `path` of the container."""
    target = inside(root, path)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY)


def copy(source: str, target: str) -> None:
    """Lay an image's files into `target`: as a layer they would overlap with the machine's, which overlayfs refuses."""
    for entry in os.scandir(source):
        place = f"{target}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir():
            os.makedirs(place, exist_ok=True)
            copy(entry.path, place)
        else:
            with open(entry.path, "rb") as stream, open(place, "wb") as output:
                output.write(stream.read())
            os.chmod(place, entry.stat().st_mode & 0o777)


def make_root(spec: dict) -> str:  # type: ignore[type-arg]
    """Mount the container's file system; its root folder."""
    mount("", "/", "", MS_REC | MS_PRIVATE)
    scratch = spec["scratch"]
    os.makedirs(scratch, exist_ok=True)
    mount("tmpfs", scratch, "tmpfs", MS_NODEV, "mode=0755")
    for name in ("upper", "work", "root"):
        os.mkdir(f"{scratch}/{name}")
    for layer in spec["layers"]:
        copy(layer, f"{scratch}/upper")
    root = f"{scratch}/root"
    mount("overlay", root, "overlay", 0, f"lowerdir=/,upperdir={scratch}/upper,workdir={scratch}/work")
    for path, source in (("/sys", "/sys"), ("/dev", "/dev")):
        mount(source, root + path, "", MS_BIND | MS_REC)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for path, mode in (("/run", "0755"), ("/tmp", "1777")):
        mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode}")
    if os.path.exists(MODULES):
        bind(root, MODULES, MODULES, read_only=True)
    for entry in sorted(spec["mounts"], key=lambda entry: len(entry["path"].split("/"))):
        bind(root, entry["source"], entry["path"], entry.get("readOnly", False))
    return root


def enter(root: str) -> None:
    """Make `root` the root of this mount namespace; nothing of the machine's stays reachable by a path."""
    os.chdir(root)
    if LIBC.syscall(PIVOT_ROOT[os.uname().machine], b".", b".") != 0:
        raise OSError(ctypes.get_errno(), "pivot_root")
    LIBC.umount2(b".", MNT_DETACH)
    os.chdir("/")


def report_process(path: str) -> None:
    """Write this process's number and start time as the machine sees them, while its /proc is still in place."""
    with open("/proc/self/stat") as stream:
        text = stream.read()
    started = text.rpartition(")")[2].split()[19]
    with open(f"{path}.new", "w") as stream:
        stream.write(f"{text.split(' ', 1)[0]} {started}")
    os.rename(f"{path}.new", path)


def main() -> None:
    with open(sys.argv[1]) as stream:
        spec = json.load(stream)
    report_process(spec["pidFile"])
    if spec.get("denied"):  # SELinux, which the shared kernel lacks, would not let it work
        print(spec["denied"], file=sys.stderr, flush=True)
        sys.exit(1)
    try:
        enter(make_root(spec))
        if spec.get("hostname"):
            name = spec["hostname"].encode()
            LIBC.sethostname(name, len(name))
        os.execvpe(spec["command"][0], spec["command"], spec["env"])
    except OSError as error:
        print(f"stand-in runtime: exec {spec['command'][0]}: {error}", file=sys.stderr, flush=True)
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
