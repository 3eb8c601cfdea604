"""Two QEMU guests with a kernel of their own: one exports by knfsd what the lab's role describes, one mounts it.

The kernel is Debian's cloud kernel, the programs are those of the rehearsal's base image, the configuration files are
rendered from the role's own templates; busybox starts it all.
"""

from __future__ import annotations

import gzip
import subprocess
import time
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labkit.description.lab import Lab
from rehearsal.room import base, firmware, initrd
from rehearsal.room.layout import Layout
from rehearsal.upstream import boot
from rehearsal.upstream.hidden import STORE

HERE = Path(__file__).parent
ROLE = HERE.parents[2] / "ansible/roles/nfs_server/templates"
LOADER, LIBRARIES = "lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu"
FOLDERS = (
    "bin", "dev", "proc", "sys", "tmp", "run", "modules", "sbin", "etc", "etc/exports.d", "etc/nfs.conf.d", "lib",
    "lib64", "lib/x86_64-linux-gnu", "mnt", "srv", "srv/nfs", "usr", "usr/sbin", "var", "var/lib", "var/lib/nfs",
    "var/lib/nfs/v4recovery",
)  # fmt: skip
COMMON = ("virtio_pci", "virtio_net", "af_packet")
SERVER_MODULES = (*COMMON, "virtio_blk", "crc32c_generic", "xfs", "nfsd")
CLIENT_MODULES = (*COMMON, "nfsv4")
SERVER_PROGRAMS = ("exportfs", "rpc.mountd", "rpc.nfsd")
CLIENT_PROGRAMS = ("mount.nfs",)
DISK_BYTES = 1024**3
# A busy computer without KVM misses timer interrupts, which this kernel would take for broken hardware.
COMMAND_LINE = "console=ttyS0 quiet panic=-1 no_timer_check"


class Guests:
    """Both guests' files, below `folder`."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        assert lab.storage is not None
        self.lab, self.folder = lab, folder
        self.server, self.client = lab.storage.internal, lab.workers[0].internal
        cache = Layout.default().cache
        self.image = base.image(cache)
        self.unpacked = boot.unpack(boot.kernel_package(cache), cache)

    def run(self, timeout_s: float) -> tuple[str, str]:
        """Run both until the server powers off; return what the server and the client said on their consoles."""
        self._format()
        settings = self._settings()
        server = self._start("server", self._server_initrd(settings), listens=True)
        try:
            self._await_socket()
            client = self._start("client", self._client_initrd(settings), listens=False)
            try:
                end = time.monotonic() + timeout_s
                while server.poll() is None and time.monotonic() < end:
                    time.sleep(0.5)
            finally:
                client.kill()
        finally:
            server.kill()
        return self.console("server"), self.console("client")

    def console(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _settings(self) -> bytes:
        values = {
            "SERVER": self.server.address, "CLIENT": self.client.address, "PREFIX": self.server.network.cidr.prefixlen,
            "LABEL": self.lab.name,
        }  # fmt: skip
        return "".join(f"{name}={value}\n" for name, value in values.items()).encode()

    def _rendered(self) -> dict[str, bytes]:
        """The role's own files, with the lab's values."""
        values = {
            "nfs_server_folder": "/srv/nfs",
            "nfs_server_clients": self.lab.internal.cidr,
            "nfs_server_address": self.server.address,
        }
        engine = Environment(loader=FileSystemLoader(ROLE), undefined=StrictUndefined, autoescape=False)  # noqa: S701
        files = {"etc/exports.d/lab.exports": "exports.j2", "etc/nfs.conf.d/lab.conf": "nfs.conf.j2"}
        return {path: engine.get_template(name).render(values).encode() + b"\n" for path, name in files.items()}

    def _server_initrd(self, settings: bytes) -> Path:
        return self._initrd("server", SERVER_MODULES, SERVER_PROGRAMS, {**self._rendered(), "settings": settings})

    def _client_initrd(self, settings: bytes) -> Path:
        return self._initrd("client", CLIENT_MODULES, CLIENT_PROGRAMS, {"settings": settings})

    def _initrd(self, name: str, wanted: tuple[str, ...], programs: tuple[str, ...], files: dict[str, bytes]) -> Path:
        modules = initrd.modules_of(self.unpacked, wanted)
        content = {
            "init": (HERE / f"{name}-init").read_bytes(),
            "bin/busybox": initrd.BUSYBOX.read_bytes(),
            "etc/services": b"nfs 2049/tcp\nsunrpc 111/tcp\n",
            "etc/netconfig": (self.image / "etc/netconfig").read_bytes(),
            "modules/order": "\n".join(modules).encode() + b"\n",
            **{f"modules/{module}": data for module, data in modules.items()},
            **files,
        }
        for program in programs:
            content |= self._program(program)
        path = self.folder / f"{name}.initrd"
        path.write_bytes(gzip.compress(initrd.archive(FOLDERS, content), compresslevel=1))
        return path

    def _program(self, name: str) -> dict[str, bytes]:
        """A program of the base image and every library that its loader finds for it."""
        path = self.image / STORE.lstrip("/") / "usr/sbin" / name
        listed = subprocess.run([*self._loader(), "--list", str(path)], check=True, capture_output=True, text=True)
        found = {f"usr/sbin/{name}": path.read_bytes(), LOADER: (self.image / LOADER).read_bytes()}
        for line in listed.stdout.splitlines():
            if "=>" in line and "/" in line:
                library = line.split()[0].rpartition("/")[2]
                if not library.startswith("ld-linux"):
                    found[f"lib/x86_64-linux-gnu/{library}"] = (self.image / LIBRARIES / library).read_bytes()
        return found

    def _loader(self) -> list[str]:
        return [str(self.image / LOADER), "--library-path", str(self.image / LIBRARIES)]

    def _format(self) -> None:
        """A data disk as the role makes it: XFS with the lab's label right on the disk."""
        disk = self.folder / "data.raw"
        with disk.open("wb") as content:
            content.truncate(DISK_BYTES)
        program = self.image / STORE.lstrip("/") / "usr/sbin/mkfs.xfs"
        words = [*self._loader(), str(program), "-q", "-L", self.lab.name, str(disk)]
        subprocess.run(words, check=True, capture_output=True)

    def _start(self, name: str, initrd_file: Path, *, listens: bool) -> subprocess.Popen[bytes]:
        kernel = next((self.unpacked / "boot").glob("vmlinuz-*"))
        accelerator = firmware.accelerator()
        processor = "host" if accelerator == "kvm" else "max"
        cable = f"stream,id=n0,server={'on' if listens else 'off'},addr.type=unix,addr.path={self.folder / 'cable'}"
        words = [
            "qemu-system-x86_64", "-machine", f"q35,accel={accelerator}", "-cpu", processor,
            "-m", "512", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", str(kernel), "-initrd", str(initrd_file), "-append", COMMAND_LINE,
            "-serial", f"file:{self.folder / name}.log", "-netdev", cable,
            "-device", f"virtio-net-pci,netdev=n0,romfile=,mac={self.server.mac if listens else self.client.mac}",
        ]  # fmt: skip
        if listens:
            words += [
                "-drive",
                f"if=none,id=d0,format=raw,file={self.folder / 'data.raw'}",
                "-device",
                "virtio-blk-pci,drive=d0",
            ]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def _await_socket(self) -> None:
        end = time.monotonic() + 30
        while not (self.folder / "cable").exists():
            assert time.monotonic() < end, "the server's QEMU did not start"
            time.sleep(0.1)
