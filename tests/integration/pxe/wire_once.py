"""The bootstrap server and a machine with all three adapters on one wire, for real; prints what was seen, as JSON.

Usage: unshare --net python wire_once.py FOLDER (as root). dnsmasq has its rendered configuration; the machine asks
for an address on each adapter, and who has the server's MGMT address: before and after the kickstart's own settings.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from labkit.description.lab import Machine
from labkit.pxe import files
from tests.labs import untagged

LAB = untagged()
WAIT_S = 1.0
LEASE = '#!/bin/sh\n[ "$1" != bound ] || echo "$ip" >> {log}\n'
ASK = """
import socket, struct, sys, time
mac, own, wanted = bytes.fromhex(sys.argv[1]), socket.inet_aton(sys.argv[2]), socket.inet_aton(sys.argv[3])
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
link.bind(("eth0", 0))
question = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + own + bytes(6) + wanted
link.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + question + bytes(18))
end = time.monotonic() + float(sys.argv[4])
while (left := end - time.monotonic()) > 0:
    link.settimeout(left)
    try:
        packet = link.recv(100)
    except TimeoutError:
        break
    if packet[20:22] == b"\\0\\2":
        print(packet[22:28].hex(":"))
"""


class Place:
    """A network namespace with a machine's adapters in it, all on the one wire."""

    def __init__(self, machine: Machine) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()  # it is in its namespace by now
        for index, interface in enumerate(machine.interfaces):
            name = f"{machine.name[:9]}{index}"
            peer = f"type veth peer name eth{index} address {interface.mac} netns {self._holder.pid}"
            ip(f"link add {name} {peer}", f"link set {name} master wire up")
            self.run("ip", "link", "set", f"eth{index}", "up")

    def run(self, *command: str, check: bool = True) -> str:
        return subprocess.run(self._inside(*command), check=check, capture_output=True, text=True).stdout

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._inside(*command))

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *command]

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


def ip(*lines: str) -> None:
    for line in lines:
        subprocess.run(["ip", *line.split()], check=True)


def serve(server: Place, folder: Path) -> None:
    """Start dnsmasq as the bootstrap server does."""
    text = files.services(LAB)["dnsmasq.conf"]
    text = text.replace("user=dnsmasq", "user=root").replace("/var/log/lab/dnsmasq.log", f"{folder}/log")
    text = re.sub(r"(?m)^(enable-tftp|tftp-root=.*)$", "", text)
    (folder / "dnsmasq.conf").write_text(text, encoding="utf-8")
    for index, interface in enumerate(LAB.bootstrap.interfaces):
        server.run("ip", "addr", "add", f"{interface.address}/24", "dev", f"eth{index}")
    options = [f"--pid-file={folder}/pid", f"--dhcp-leasefile={folder}/leases"]
    server.run("dnsmasq", f"--conf-file={folder}/dnsmasq.conf", *options)


def settle(server: Place) -> None:
    """Do what the kickstart's %post leaves to systemd-sysctl."""
    kickstart = files.kickstart(LAB, LAB.bootstrap, "key", files.HostKey("private", "public"))
    (line,) = (line for line in kickstart.splitlines() if "/etc/sysctl.d/" in line and line.startswith("printf"))
    settings = subprocess.run(["sh", "-c", line.partition(" >")[0]], check=True, capture_output=True, text=True).stdout
    for key, _, value in (setting.partition(" = ") for setting in settings.splitlines()):
        server.run("sh", "-c", f"echo {value} > /proc/sys/{key.replace('.', '/')}")


def main(folder: Path) -> None:
    machine = LAB.control_plane
    ip("link add wire type bridge stp_state 0 forward_delay 0", "link set wire up")
    server, asking = Place(LAB.bootstrap), Place(machine)
    try:
        serve(server, folder)
        (folder / "lease").write_text(LEASE.format(log=folder / "bound"), encoding="utf-8")
        (folder / "lease").chmod(0o755)
        for index in range(3):
            ask = ["busybox", "udhcpc", "-i", f"eth{index}", "-n", "-q", "-t", "2", "-T", "1", "-s", f"{folder}/lease"]
            asking.run(*ask, check=False)  # two of the three get nothing
        asking.run("ip", "addr", "add", f"{machine.mgmt.address}/24", "dev", "eth0")
        words = [machine.mgmt.mac_digits, str(machine.mgmt.address), str(LAB.bootstrap.mgmt.address), str(WAIT_S)]
        before = asking.run(sys.executable, "-c", ASK, *words).split()
        settle(server)
        after = asking.run(sys.executable, "-c", ASK, *words).split()
        offers = re.findall(r"DHCPOFFER\((\w+)\) (\S+)", (folder / "log").read_text(encoding="utf-8"))
        bound = (folder / "bound").read_text(encoding="utf-8").split()
        print(json.dumps({"bound": bound, "offers": offers, "before": sorted(before), "after": after}))
    finally:
        subprocess.run(["kill", (folder / "pid").read_text(encoding="utf-8").strip()], check=False)
        server.close()
        asking.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
