"""csi-driver-nfs: the driver's socket, its registrar and liveness probe, and the sidecars that have nothing to do here.

The kubelet's stand-in mounts volumes itself; the sockets are real all the same, since a node without its driver's
socket must not mount. The sidecars talk no gRPC: a connection that is accepted is an answer.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path

from rehearsal.kubernetes.node.httpd import Quiet, Server
from rehearsal.kubernetes.node.nfs import DRIVER

from .incluster import option, say

RETRY_S = 0.5


def listen(path: Path) -> socket.socket:
    """A listening unix socket in place of whatever was there. A full path may be longer than a socket's name may be."""
    path.unlink(missing_ok=True)
    here = Path.cwd()
    server = socket.socket(socket.AF_UNIX)
    os.chdir(path.parent)
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
    server.listen(8)
    return server


def accept_for_ever(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        connection.close()


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def wait_for(path: Path) -> None:
    while not answers(path):
        time.sleep(RETRY_S)


def plugin(arguments: list[str]) -> None:
    """nfsplugin: the driver's own socket."""
    path = Path(option(arguments, "endpoint").removeprefix("unix://"))
    say(f"Driver: {DRIVER} (stand-in), listening for connections on address: {path}")
    accept_for_ever(listen(path))


def registrar(arguments: list[str]) -> None:
    """csi-node-driver-registrar: the socket by which the kubelet knows the driver, as long as that answers."""
    driver = Path(option(arguments, "csi-address"))
    wait_for(driver)
    path = Path("/registration") / f"{DRIVER}-reg.sock"
    say(f"Registration Server started at: {path}")
    threading.Thread(target=accept_for_ever, args=(listen(path),), daemon=True).start()
    while answers(driver):
        time.sleep(5)
    path.unlink(missing_ok=True)
    sys.exit("the driver's socket does not answer any more")


def liveness(arguments: list[str]) -> None:
    """livenessprobe: /healthz says whether the driver's socket answers."""
    driver = Path(option(arguments, "csi-address"))
    host, _, port = option(arguments, "http-endpoint").rpartition(":")

    class Health(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            self.status(200 if answers(driver) else 500)

    wait_for(driver)
    Server((host or "0.0.0.0", int(port)), Health).serve_forever()


def idle(arguments: list[str]) -> None:
    """csi-resizer and csi-snapshotter: they wait for the driver, and nobody asks them for anything here."""
    wait_for(Path(option(arguments, "csi-address")))
    say("stand-in: this sidecar has nothing to do in the rehearsal")
    while True:
        time.sleep(3600)


ROLES = {"plugin": plugin, "registrar": registrar, "liveness": liveness, "idle": idle}

if __name__ == "__main__":
    ROLES[sys.argv[1]](sys.argv[2:])
