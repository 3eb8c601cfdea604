"""How fast machines get their initrd, by TFTP and by HTTP, one and six at once: `python -m benchmarks.netboot` (root).

Real dnsmasq, nginx and curl in a network namespace of their own, so that nothing is sent to any LAN. Its loopback has
no delay, of which TFTP suffers most: each block waits for its acknowledgement. On a LAN the distance is larger.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

INSIDE = "LAB_BENCHMARK_NAMESPACE"
PROGRAMS = ("curl", "dnsmasq", "ip", "nginx", "unshare")
INITRD_BYTES = 100 << 20  # Rocky 9's has about so many
CLIENTS = (1, 6)
BLOCK_BYTES = "1024"  # what GRUB asks for (grub-core/net/tftp.c)
WAYS = {
    "TFTP": ["curl", "--silent", "--fail", "--tftp-blksize", BLOCK_BYTES, "tftp://127.0.0.1/initrd.img"],
    "HTTP": ["curl", "--silent", "--fail", "http://127.0.0.1/initrd.img"],
}
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; user root;
events {{}}
http {{
  access_log off; sendfile on; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:80; root {folder}/served; }}
}}
"""


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """Serve an initrd by both, as the bootstrap server does."""
    root = folder / "served"
    root.mkdir()
    (root / "initrd.img").write_bytes(os.urandom(INITRD_BYTES))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
    servers = [
        ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--enable-tftp",
         f"--tftp-root={root}", f"--pid-file={folder}/dnsmasq.pid", "--log-facility=/dev/null"],
        ["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"],
    ]  # fmt: skip
    running = [subprocess.Popen(command) for command in servers]
    try:
        for command in WAYS.values():
            _wait(command)
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


def _wait(command: list[str]) -> None:
    """Until the server answers, which also puts the file into the page cache."""
    end = time.monotonic() + 10
    while subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        if time.monotonic() > end:
            raise SystemExit(f"no answer to: {' '.join(command)}")
        time.sleep(0.1)


def fetch(command: list[str], clients: int) -> float:
    """Seconds until so many clients, at once, have the whole file."""
    begun = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda _: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), range(clients)))
    return time.monotonic() - begun


def main() -> None:
    """Print the table."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"needs root and {', '.join(missing or PROGRAMS)}")
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, "-m", "benchmarks.netboot"])  # noqa: S606
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    table = Table("by", "machines", "seconds", "MB/s, all", title=f"an initrd of {INITRD_BYTES >> 20} MB each")
    with tempfile.TemporaryDirectory() as name, served(Path(name)):
        for way, command in WAYS.items():
            for clients in CLIENTS:
                spent = fetch(command, clients)
                table.add_row(way, str(clients), f"{spent:.2f}", f"{clients * INITRD_BYTES / spent / 1e6:.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
