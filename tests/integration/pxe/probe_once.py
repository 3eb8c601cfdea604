"""The bootstrap server's probe on a wire with others, for real; prints what it found in each case, as JSON.

Usage: unshare --net python probe_once.py FOLDER (as root). The others are a dnsmasq, programs that send broken offers,
and an adapter with an address of a machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from labkit.project import PYTHON
from tests.integration.pxe.wire_once import LAB, Place, ip, serve, settle

MGMT = LAB.mgmt.cidr
OTHER = str(MGMT.network_address + 250)
STRANGER = LAB.control_plane  # from whose first adapter everything foreign comes
# Sends frames that look like an answer to the question for MAC argv[1], from MAC argv[2]; argv[3] names which.
SEND = """
import socket, struct, sys, time
xid, mac, kind = bytes.fromhex(sys.argv[1])[2:], bytes.fromhex(sys.argv[2]), sys.argv[3]
def answer(op=2, number=xid, cookie=b"\\x63\\x82\\x53\\x63", options=b"\\x35\\x01\\x02\\xff"):
    return bytes([op, 1, 6, 0]) + number + bytes(228) + cookie + options
def frame(message, port=68):
    segment = struct.pack("!HHHH", 67, port, 8 + len(message), 0) + message
    head = b"\\x45\\0" + struct.pack("!H", 20 + len(segment)) + bytes(4) + b"\\x40\\x11" + bytes(6) + b"\\xff" * 4
    total = sum(struct.unpack("!10H", head))  # a bridge that filters drops a header with a wrong checksum
    head = head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    return b"\\xff" * 6 + mac + b"\\x08\\x00" + head + segment
whole = [frame(answer())]
broken = [
    b"\\xff" * 6 + mac + b"\\x08\\x00", frame(b""), frame(answer())[:200], frame(answer(op=1)),
    frame(answer(), port=67),
    frame(answer(number=bytes(4))), frame(answer(cookie=bytes(4))), frame(answer(options=b"")),
    frame(answer(options=b"\\xff")), frame(answer(options=b"\\x35\\x01\\x05\\xff")),
    frame(answer(options=b"\\x35\\x09\\x02")), frame(answer(options=b"\\x35")),
]
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
while True:
    for one in whole if kind == "whole" else broken:
        link.send(one)
    time.sleep(0.1)
"""


def probe(server: Place, seconds: float) -> list[str]:
    """What the program finds, line by line."""
    pairs = [f"{machine.mgmt.mac}={machine.mgmt.address}" for machine in LAB.installed_by_network]
    words = [str(PYTHON / "lan-probe.py"), str(LAB.bootstrap.mgmt.address), str(seconds), *pairs]
    return server.run(sys.executable, *words).splitlines()


def stop(folder: Path) -> None:
    pid = (folder / "pid").read_text(encoding="utf-8").strip()
    subprocess.run(["kill", pid], check=True)
    while Path("/proc", pid).exists():
        time.sleep(0.02)
    (folder / "pid").unlink(missing_ok=True)


def foreign(other: Place, folder: Path) -> None:
    """A DHCP server as a router has one: it offers anybody an address, after it has pinged it."""
    span = f"{MGMT.network_address + 200},{MGMT.network_address + 220},1h"
    options = [f"--pid-file={folder}/pid", f"--dhcp-leasefile={folder}/foreign", f"--dhcp-range={span}"]
    other.run("ip", "addr", "add", f"{OTHER}/24", "dev", "eth0")
    other.run("dnsmasq", "--conf-file=/dev/null", "--port=0", "--user=root", "--interface=eth0", *options)


def beside(other: Place, kind: str, server: Place) -> list[str]:
    """What is found while somebody sends such frames."""
    asked = LAB.installed_by_network[0].mgmt
    sending = other.start(sys.executable, "-c", SEND, asked.mac_digits, STRANGER.mgmt.mac_digits, kind)
    try:
        return probe(server, 2)
    finally:
        sending.kill()
        sending.wait()


def main(folder: Path) -> None:
    ip("link add wire type bridge stp_state 0 forward_delay 0", "link set wire up")
    server, other = Place(LAB.bootstrap), Place(STRANGER)
    settle(other)  # else its adapters answer for each other, on this one wire
    seen = {}
    try:
        serve(server, folder)
        seen["the lab's own"] = probe(server, 2)
        stop(folder)
        seen["nobody"] = probe(server, 2)
        seen["broken"] = beside(other, "broken", server)
        seen["whole"] = beside(other, "whole", server)
        other.run("ip", "addr", "add", f"{STRANGER.mgmt.address}/24", "dev", "eth0")
        seen["at its own address"] = probe(server, 1)
        other.run("ip", "addr", "add", f"{LAB.machine('w1').mgmt.address}/32", "dev", "eth0")
        seen["at another's address"] = probe(server, 1)
        other.run("ip", "addr", "flush", "dev", "eth0")
        serve(other, folder)  # another lab with the same id
        seen["a lab of the same id"] = probe(server, 2)
        stop(folder)
        other.run("ip", "addr", "flush", "dev", "eth0")
        foreign(other, folder)
        seen["a router"] = probe(server, 8)
        stop(folder)
        print(json.dumps(seen))
    finally:
        if (folder / "pid").exists():
            stop(folder)
        server.close()
        other.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
