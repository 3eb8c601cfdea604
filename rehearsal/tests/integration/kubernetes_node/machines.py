"""Two machines for the stand-ins on this computer: a network namespace and a folder each, joined by a bridge.

Everything that is made here is removed by `Room.close`, also after a failure: processes of the namespaces, namespaces,
folders. Nothing of the computer itself is changed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rehearsal.kubernetes import packages
from rehearsal.kubernetes.images import table

PREFIX = "f2"
PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
BASE_IMAGES = Path.home() / ".cache" / "hyperv-k8s-lab"
FAKES = {
    "systemctl": """#!/bin/sh
stop() {
  [ -f "$LAB_STANDIN_ROOT/kubelet.pid" ] || return 0
  kill "$(cat "$LAB_STANDIN_ROOT/kubelet.pid")" 2>/dev/null
  while kill -0 "$(cat "$LAB_STANDIN_ROOT/kubelet.pid")" 2>/dev/null; do sleep 0.1; done
}
case "$*" in
  "stop kubelet") stop ;;
  *"start kubelet") stop; "$LAB_STANDIN_ROOT/bin/kubelet-service" ;;
esac
""",
    "kubelet-service": """#!/bin/sh
cd /
. "$LAB_STANDIN_ROOT/var/lib/kubelet/kubeadm-flags.env"
setsid --fork sh -c 'echo $$ > "$LAB_STANDIN_ROOT/kubelet.pid"
  exec >>"$LAB_STANDIN_ROOT/kubelet.log" 2>&1
  exec /usr/bin/python3 -m rehearsal.kubernetes.node.kubelet '"$KUBELET_KUBEADM_ARGS"
""",
    "swapon": '#!/bin/sh\ncat "$LAB_STANDIN_ROOT/swaps" 2>/dev/null || true\n',
    "lsmod": '#!/bin/sh\necho Module Size Used\nsed "s/$/ 1 0/" "$LAB_STANDIN_ROOT/modules"\n',
    "iptables": "#!/bin/sh\n",
}


def plugins() -> Path | None:
    """Where the real CNI plugins lie on this computer (the rehearsal's base image has them), if they do."""
    wanted = os.environ.get("LAB_CNI_PLUGINS")
    places = [Path(wanted)] if wanted else [*PLUGINS, *BASE_IMAGES.glob("image-*/usr/lib/cni")]
    return next((place for place in places if (place / "bridge").exists()), None)


def run(*command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, check=check, env={**os.environ, **environment}, timeout=120
    )


class Machine:
    """A stand-in machine: `address` is its only one, `root` lies before every path that the programs use."""

    def __init__(self, room: Room, name: str, address: str) -> None:
        self.room, self.name, self.address = room, name, address
        self.namespace = f"{PREFIX}-{os.getpid()}-{name}"
        self.root = room.folder / name
        self.runtime = socket.socket(socket.AF_UNIX)

    def start(self) -> None:
        """Make the files, the network and the runtime's socket; `close` removes whatever of it was made."""
        self._files()
        self._network()
        self._runtime()

    def _files(self) -> None:
        for path, content in packages.tree():
            self.write(path, content)
        for path, content, mode in table.files():
            self.write(path, content, mode)
        for name, text in FAKES.items():
            self.write(f"/bin/{name}", text.encode(), 0o755)
        settings = {"bridge/bridge-nf-call-iptables": "1", "ipv4/ip_forward": "1"}
        for path, value in settings.items():
            self.write(f"/proc/sys/net/{path}", f"{value}\n".encode())
        self.write("/modules", b"overlay\nbr_netfilter\n")
        self.write("/etc/lab/notes.d/.keep", b"")
        self.write("/etc/machine-id", (f"{abs(hash(self.name)):032x}"[-32:] + "\n").encode())
        (self.root / "run").mkdir()
        (self.root / "var").mkdir()
        (self.root / "var/run").symlink_to("../run")
        (self.root / "opt/cni").mkdir(parents=True)
        place = plugins()
        if place:
            (self.root / "opt/cni/bin").symlink_to(place)

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        file = Path(f"{self.root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)

    def _network(self) -> None:
        short = f"{PREFIX}{os.getpid() % 10000}{self.name}"
        run("ip", "netns", "add", self.namespace)
        run(
            "ip",
            "link",
            "add",
            short,
            "netns",
            self.room.namespace,
            "type",
            "veth",
            "peer",
            "name",
            "internal",
            "netns",
            self.namespace,
        )
        run("ip", "-n", self.room.namespace, "link", "set", short, "master", "lan", "up")
        for command in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.address}/24", "dev", "internal"),
            ("link", "set", "internal", "up"),
            ("route", "add", "default", "via", self.room.gateway),
        ):
            run("ip", "-n", self.namespace, *command)
        run("ip", "netns", "exec", self.namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def _runtime(self) -> None:
        """A socket that accepts: all that the stand-ins ask of a container runtime here."""
        path = self.root / "run/containerd/containerd.sock"
        path.parent.mkdir(parents=True)
        self.runtime.bind(str(path))
        self.runtime.listen(16)
        threading.Thread(target=self._accept, args=(self.runtime,), daemon=True).start()

    @staticmethod
    def _accept(server: socket.socket) -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    def environment(self) -> dict[str, str]:
        path = f"{self.root}/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
        return {
            "LAB_STANDIN_ROOT": str(self.root),
            "PYTHONPATH": f"{self.root}/usr/lib/rehearsal",
            "PATH": path,
            "HOME": str(self.root),
            "RES_OPTIONS": "timeout:1 attempts:1",  # nobody answers names here
        }

    def words(self, *command: str) -> list[str]:
        """A command on the machine: in its network, under its host name, with its folder before every path."""
        return [
            "ip",
            "netns",
            "exec",
            self.namespace,
            "unshare",
            "--uts",
            "sh",
            "-c",
            f'hostname {self.name}; exec "$@"',
            "sh",
            *command,
        ]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = run(*self.words(*command), check=False, **self.environment())
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} on {self.name}:\n{done.stdout}\n{done.stderr}\n{self.kubelet_log()[-3000:]}"
            )
        return done

    def kubeadm(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("/usr/bin/python3", "-m", "rehearsal.kubernetes.kubeadm", *arguments, check=check)

    def kubeadm_killed(self, *arguments: str, once: Callable[[], object]) -> None:
        """kubeadm, killed as soon as `once` is true: a power cut, a deadline, somebody's hand."""
        started = subprocess.Popen(
            self.words("/usr/bin/python3", "-m", "rehearsal.kubernetes.kubeadm", *arguments),
            env={**os.environ, **self.environment()},
            stdout=subprocess.DEVNULL,
        )
        try:
            eventually(lambda: started.poll() is not None or once())
            assert started.poll() is None, f"kubeadm ended with {started.returncode} before it could be killed"
        finally:
            started.kill()
            started.wait()

    def kubelet_log(self) -> str:
        file = self.root / "kubelet.log"
        return file.read_text() if file.exists() else ""

    def file(self, path: str) -> Path:
        return Path(f"{self.root}{path}")

    def close(self) -> None:
        """End what runs in the namespace and below the folder, remove both."""
        self.runtime.close()
        while found := [
            int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _belongs(folder, str(self.root))
        ]:
            for pid in found:  # again until none is left: a kubelet may just have started another pod
                _kill(pid)
            time.sleep(0.2)
        for link in Path("/run/netns").glob("cni-*"):
            if (self.root / "run/rehearsal/pods" / link.name.removeprefix("cni-")).exists():
                run("ip", "netns", "delete", link.name, check=False)
        run("ip", "netns", "delete", self.namespace, check=False)


class Room:
    """The bridge between the machines, and a folder for all of them."""

    gateway = "10.77.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = f"{PREFIX}-{os.getpid()}-room"
        self.machines: list[Machine] = []
        run("ip", "netns", "add", self.namespace)
        run("ip", "-n", self.namespace, "link", "add", "lan", "type", "bridge")
        run("ip", "-n", self.namespace, "address", "add", f"{self.gateway}/24", "dev", "lan")
        run("ip", "-n", self.namespace, "link", "set", "lan", "up")

    def machine(self, name: str, address: str) -> Machine:
        machine = Machine(self, name, address)
        self.machines.append(machine)
        machine.start()
        return machine

    def close(self) -> None:
        for machine in self.machines:
            machine.close()
        run("ip", "netns", "delete", self.namespace, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _processes(root: str) -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _belongs(folder, root)]


def _belongs(folder: Path, root: str) -> bool:
    """Whether a process was started for this machine: its environment or its command line names the folder."""
    try:
        return root.encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def eventually(what: Callable[[], object], timeout_s: float = 60) -> object:
    """The first true value of `what`; AssertionError with the last one at the end."""
    deadline, value = time.monotonic() + timeout_s, None
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.3)
    raise AssertionError(f"still {value!r} after {timeout_s:g} s")


def is_socket(path: Path) -> bool:
    return path.exists() and stat.S_ISSOCK(path.stat().st_mode)
