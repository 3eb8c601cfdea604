"""A throw-away machine for the scripts: this computer's files under an overlay, and a network of its own.

systemd, firewalld, rpm and dnf are stubs; nginx, dnsmasq and curl are real. It vanishes with its first process.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.project import BASH, PYTHON
from labkit.pxe import files
from rehearsal.kubernetes.node import x509

STUBS = Path(__file__).parent / "stubs"
NEEDED = ("unshare", "nsenter", "nginx", "dnsmasq", "curl", "ip")
TREE = "http://127.0.0.1:8099/rocky"
NGINX = "/opt/lab/scripts/files/nginx.conf"
BUNDLE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"  # Rocky's: the authorities that a machine trusts

# Everything is made inside: a tmpfs, an overlay of / on it, the MGMT address on a link of its own, a small web server.
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
rm -rf srv/lab var/lib/lab var/lib/tftpboot var/log/lab var/cache/lab opt/lab etc/dnsmasq.conf etc/nginx/nginx.conf
mkdir -p tmp/tree opt/lab run/stub var/log/nginx
ip link set lo up
ip link add mgmt type veth peer name far
ip link set far arp off up
ip address add "$2/24" dev mgmt
ip link set mgmt up
touch tmp/ready
exec chroot . sh -c 'cd /tmp/tree && exec python3 -m http.server --bind 127.0.0.1 8099 >/dev/null 2>&1'
"""


class Sandbox:
    """Runs commands in there and reads what they left."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", BOOT, "boot"]
        self.lab = lab
        self._process = subprocess.Popen([*words, str(folder), str(lab.bootstrap.mgmt.address)])
        self._first = self._first_process()
        deadline = time.monotonic() + 30
        serves = "test -e /tmp/ready && curl --silent --output /dev/null http://127.0.0.1:8099/"
        while self.shell(serves, check=False).returncode != 0:
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.close()
                pytest.skip("no overlay or namespace can be made here")
            time.sleep(0.05)

    def _first_process(self) -> int:
        command = ["pgrep", "--parent", str(self._process.pid)]
        for _ in range(100):
            found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
            if found:
                return int(found[0])
            time.sleep(0.05)
        pytest.skip("no process can be started in namespaces of its own here")

    def shell(self, command: str, *, check: bool = True, data: bytes = b"") -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "--target", str(self._first), "--mount", "--net", "--pid", "--root"]
        path = "PATH=/opt/stubs:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [*enter, "env", path, "bash", "-c", f"cd / && {command}"],
            input=data, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        result = subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())
        if check:
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result

    def script(self, line: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.shell(f"/opt/lab/scripts/{line}", check=check)

    def scripts(self, *lines: str) -> None:
        """Run scripts one after the other; none may fail."""
        for line in lines:
            self.script(line)

    def start(self, double: str, words: str) -> None:
        """Run a server of this folder until it listens; the first word is its port."""
        self.put({f"/tmp/{double}": Path(__file__).with_name(double).read_text(encoding="utf-8")})
        self.shell(f"(setsid python3 /tmp/{double} {words} &) > /dev/null 2>&1 < /dev/null")
        listens = f"(: < /dev/tcp/127.0.0.1/{words.split()[0]}) 2> /dev/null"
        self.shell(f"for i in $(seq 50); do {listens} && exit 0; sleep 0.1; done; exit 1")

    def put(self, contents: dict[str, str]) -> None:
        """Write files, by absolute path, in one go; programs executable."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for path, text in contents.items():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mtime = len(text.encode()), int(time.time())
                entry.mode = 0o755 if text.startswith("#!") else 0o644
                archive.addfile(entry, io.BytesIO(text.encode()))
        self.shell("tar -xf - -C /", data=stream.getvalue())

    def calls(self) -> list[str]:
        """What the stubs were asked to change since the last look."""
        return self.shell("cat /calls 2>/dev/null; rm -f /calls").stdout.splitlines()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def served_lab(lab: Lab) -> Lab:
    """The lab whose install tree is the sandbox's own web server; whose packages are another's that a test starts."""
    sources = lab.sources.model_copy(update={"kubernetes_packages_url": "http://127.0.0.1:8098"})
    return replace(lab, rocky=lab.rocky.model_copy(update={"tree_url": TREE}), sources=sources)


@pytest.fixture
def sandbox(served_lab: Lab, tmp_path: Path) -> Iterator[Sandbox]:
    """A machine with the scripts, their settings and a small install tree, and nothing set up yet."""
    with opened(served_lab, tmp_path) as box:
        yield box


@contextmanager
def opened(lab: Lab, folder: Path) -> Iterator[Sandbox]:
    """Such a machine, for as long as the caller wants it; skips where none can be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces and mounts of its own")
    absent = [program for program in NEEDED if shutil.which(program, path="/usr/sbin:/usr/bin") is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}")
    box = Sandbox(lab, folder)
    try:
        upload(box)
        yield box
    finally:
        box.close()


def upload(box: Sandbox) -> None:
    """What pxe.setup and pxe.publish upload, the stubs, and the smallest install tree that the scripts accept."""
    tree = "/tmp/tree/rocky"
    published = {}
    for machine in box.lab.installed_by_network:
        published[f"{machine.name}.ks"] = files.kickstart(box.lab, machine, "ssh-ed25519 AAAA lab")
        published[f"{machine.name}.install"] = files.grub_install(box.lab, machine)
        published[f"{machine.name}.local"] = files.grub_local(box.lab, machine)
    box.put(
        {
            f"/opt/lab/scripts/{script.name}": script.read_text()
            for folder in (BASH, PYTHON)
            for script in folder.iterdir()
        }
        | {f"/opt/stubs/{stub.name}": stub.read_text() for stub in STUBS.iterdir()}
        | {f"/opt/lab/scripts/files/{name}": text for name, text in files.services(box.lab).items()}
        | {"/opt/lab/pxe.env": files.environment(box.lab), "/opt/lab/publish/grub.cfg": files.grub_dispatcher(box.lab)}
        | {f"{tree}/{name}": f"MZ {name}\n" for name in ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi")}
        | {f"{tree}/images/pxeboot/vmlinuz": "MZ vmlinuz\n", f"{tree}/images/pxeboot/initrd.img": "initrd\n"}
        | {f"{tree}/.treeinfo": "[header]\nversion = 1.2\n\n[release]\nname = Rocky Linux\nversion = 9.7\n"}
        | {f"/opt/lab/publish/{name}": text for name, text in published.items()}
        | {f"{tree}/AppStream/repodata/repomd.xml": "<repomd/>\n"}
        | {BUNDLE: x509.authority("test authority", timedelta(days=1)).certificate_pem.decode()}
    )
