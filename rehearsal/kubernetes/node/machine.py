"""What a machine says of itself. Machines share their host's kernel, so swap and modules are asked of the programs
(`swapon`, `lsmod`): on a machine of the rehearsal those are named stand-ins with a state of the machine's own."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import subprocess
from pathlib import Path

from .paths import CRI_SOCKET, real

BUILT_IN = Path("/sys/module")
STANDIN_MARK = "/etc/lab/notes.d"


def output(*command: str, timeout_s: float = 10) -> str:
    """What a program prints; empty when it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def hostname() -> str:
    return socket.gethostname().lower()


def swaps() -> list[str]:
    """The active swap areas, as `swapon --show` lists them."""
    return [line.split()[0] for line in output("swapon", "--show=NAME", "--noheadings").splitlines() if line.strip()]


def has_module(name: str) -> bool:
    """Whether a kernel module is there: listed by `lsmod`, or built into a kernel that is the machine's own."""
    loaded = {line.split()[0] for line in output("lsmod").splitlines()[1:] if line.strip()}
    own_kernel = not real(STANDIN_MARK).is_dir()
    return name in loaded or (own_kernel and (BUILT_IN / name).exists())


def cpus() -> int:
    return os.cpu_count() or 1


def memory_kib() -> int:
    match = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def os_release() -> dict[str, str]:
    pairs = re.findall(r'^(\w+)="?([^"\n]*)"?$', real_or_host("/etc/os-release").read_text(), re.MULTILINE)
    return dict(pairs)


def machine_id() -> str:
    file = real_or_host("/etc/machine-id")
    return file.read_text().strip() if file.exists() else ""


def system_uuid() -> str:
    """The firmware's UUID where the machine has one of its own, else its machine-id."""
    try:
        return real("/sys/class/dmi/id/product_uuid").read_text().strip()
    except OSError:
        return machine_id()


def real_or_host(path: str) -> Path:
    return real(path) if real(path).exists() else Path(path)


def architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def addresses() -> list[str]:
    """Every IPv4 address of the machine."""
    return re.findall(r"inet (\d+\.\d+\.\d+\.\d+)/", output("ip", "-4", "-o", "address", "show"))


def default_address() -> str:
    """The address that packets to the outside leave from; kubeadm's and the kubelet's default."""
    match = re.search(r"src (\d+\.\d+\.\d+\.\d+)", output("ip", "-4", "route", "get", "1.1.1.1"))
    return match[1] if match else next(iter(a for a in addresses() if not a.startswith("127.")), "127.0.0.1")


def cri_problem(endpoint: str) -> str | None:
    """None when something answers on the runtime's socket, else what a dialling program says."""
    path = endpoint.removeprefix("unix://") or CRI_SOCKET
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(3)
    try:
        connection.connect(str(real(path)))
    except FileNotFoundError:
        return f"dial unix {path}: connect: no such file or directory"
    except ConnectionRefusedError:
        return f"dial unix {path}: connect: connection refused"
    except OSError as error:
        return f"dial unix {path}: {error.strerror or error}"
    finally:
        connection.close()
    return None


def container_runtime(endpoint: str) -> str:
    """The running runtime's name and version, such as containerd://1.7.24, as it says itself."""
    path = real(endpoint.removeprefix("unix://") or CRI_SOCKET)
    server = output("ctr", "--address", str(path), "version").partition("Server:")[2]
    match = re.search(r"Version:\s+v?(\S+)", server)
    if match is None and shutil.which("containerd"):
        match = re.search(r"v?(\d+\.\d+\.\S+)", output("containerd", "--version"))
    return f"containerd://{match[1]}" if match else "containerd://unknown"


def has_cgroup_v2() -> bool:
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()
