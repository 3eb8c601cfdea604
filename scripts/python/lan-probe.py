#!/usr/bin/python3
"""Tell who else answers on a network: DHCP servers, and whoever has an address that is a machine's of the lab.

Usage: lan-probe.py ADDRESS SECONDS MAC=ADDRESS...   (as root; needs nothing but Python 3.9 and ip)
ADDRESS is this server's own on that network; MAC=ADDRESS are the reservations. Each find is a line on standard output:
    dhcp SERVER MAC OFFERED     a DHCP server: its address, the sender's MAC, its offer (0.0.0.0: a proxy, RFC 4578)
    address ADDRESS MAC         somebody other than the described machine has that address
Asked are DHCPDISCOVER (RFC 2131) with the machines' own MACs, since a server may answer those alone, as the lab's own
does, and ARP probes (RFC 5227). Nothing is taken: no offer is accepted. Frames are sent and read below IP, so that
neither this server's firewall nor its own dnsmasq sees them; packets of an unknown form are passed over.
"""

import json
import socket
import struct
import subprocess
import sys
import time

IPV4, ARP = 0x0800, 0x0806
BROADCAST = b"\xff" * 6
COOKIE = b"\x63\x82\x53\x63"
AFTER_FIRST_S = 1.0  # others get this long once one server has answered
# Discover; the parameters that network boot asks for; a PXE client of x86-64 UEFI: proxies answer no other (RFC 4578).
OPTIONS = (
    b"\x35\x01\x01" + b"\x37\x04\x01\x03\x36\x43" + b"\x3c\x20PXEClient:Arch:00007:UNDI:003016"
    b"\x5d\x02\x00\x07" + b"\x5e\x03\x01\x03\x10" + b"\xff"
)


def adapters(address):
    """Name and MAC of this server's adapter that has `address`, and the MACs of all its adapters."""
    links = json.loads(subprocess.run(["ip", "-json", "address"], check=True, stdout=subprocess.PIPE).stdout)
    macs = {link["ifname"]: bytes.fromhex(link["address"].replace(":", "")) for link in links if link.get("address")}
    for link in links:
        if any(entry.get("local") == address for entry in link["addr_info"]):
            return link["ifname"], macs[link["ifname"]], set(macs.values())
    sys.exit(f"error: no adapter of this machine has the address {address}")


def checksum(header):
    """The ones' complement sum of an IPv4 header (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def discover(own, asking):
    """A DHCPDISCOVER for the MAC `asking`, answered by broadcast; the frame itself comes from our own adapter."""
    fixed = struct.pack("!BBBBIHH16x", 1, 1, 6, 0, number(asking), 0, 0x8000)
    message = fixed + asking + bytes(10 + 64 + 128) + COOKIE + OPTIONS
    segment = struct.pack("!HHHH", 68, 67, 8 + len(message), 0) + message  # no checksum: IPv4 allows that
    start = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(segment), 0, 0, 64, socket.IPPROTO_UDP)
    addresses = bytes(4) + BROADCAST[:4]
    packet = start + struct.pack("!H", checksum(start + bytes(2) + addresses)) + addresses + segment
    return BROADCAST + own + struct.pack("!H", IPV4) + packet


def number(mac):
    """The transaction number of a MAC's question."""
    return int.from_bytes(mac[2:], "big")


def who_has(own, address):
    """An ARP probe: it names no sender's address, so nobody's table changes."""
    question = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + own + bytes(4) + bytes(6) + address
    return BROADCAST + own + struct.pack("!H", ARP) + question + bytes(18)


def offer(packet, numbers):
    """(server, MAC, offered address) of a frame that offers something to one of our questions, else None."""
    start = 14 + (packet[14] & 15) * 4 if len(packet) > 14 else 0
    message = packet[start + 8 :]
    if len(message) < 241 or packet[23] != socket.IPPROTO_UDP or packet[start + 2 : start + 4] != b"\x00\x44":
        return None
    if message[0] != 2 or message[236:240] != COOKIE or int.from_bytes(message[4:8], "big") not in numbers:
        return None
    said = options(message[240:])
    if said.get(53) != b"\x02":
        return None
    server = said.get(54, b"")
    sender = server if len(server) == 4 else packet[26:30]
    return text(sender), packet[6:12].hex(":"), text(message[16:20])


def options(data):
    """DHCP options by number; what is cut off is left out."""
    found, place = {}, 0
    while place + 1 < len(data) and data[place] != 255:
        if data[place] == 0:
            place += 1
            continue
        end = place + 2 + data[place + 1]
        if end <= len(data):
            found[data[place]] = data[place + 2 : end]
        place = end
    return found


def text(address):
    return socket.inet_ntoa(address)


class Probe:
    """Two raw sockets on one adapter; they read what arrives and not what leaves."""

    def __init__(self, name, own, ours, reserved):
        self.own, self.ours, self.reserved, self.found = own, ours, reserved, {}
        self.numbers = {number(mac) for mac in reserved}
        self.takers = {IPV4: self._take_offer, ARP: self._take_claim}
        self.links = {
            kind: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind)) for kind in self.takers
        }
        for kind, link in self.links.items():
            link.bind((name, kind))
            link.settimeout(0.05)

    def ask(self):
        for mac, address in self.reserved.items():
            self.links[IPV4].send(discover(self.own, mac))
            self.links[ARP].send(who_has(self.own, address))

    def listen(self, seconds):
        """Read until the time is over, or a little after a DHCP server was found; return whether one was."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for kind, link in self.links.items():
                try:
                    packet = link.recv(2048)
                except socket.timeout:  # noqa: UP041 - Python 3.9 of Rocky 9 knows it by this name alone
                    continue
                if self.takers[kind](packet):
                    end = min(end, time.monotonic() + AFTER_FIRST_S)
        return any(line.startswith("dhcp ") for line in self.found)

    def _take_offer(self, packet):
        """Note who offers something to one of our questions; return whether somebody did."""
        offered = offer(packet, self.numbers)
        if offered:
            server, mac, address = offered
            self.found.setdefault(f"dhcp {server} {mac}", address)
        return bool(offered)

    def _take_claim(self, packet):
        """Note who answers for an address that belongs to another; this server's adapters may answer for each other."""
        sender, address = packet[22:28], packet[28:32]
        owners = {mac for mac, reserved in self.reserved.items() if reserved == address}
        if len(packet) >= 42 and packet[20:22] == b"\x00\x02" and owners and sender not in owners | self.ours:
            self.found[f"address {text(address)} {sender.hex(':')}"] = ""


def main(address, seconds, *pairs):
    name, own, ours = adapters(address)
    reserved = {own: socket.inet_aton(address)}
    for pair in pairs:
        mac, _, machine = pair.partition("=")
        reserved[bytes.fromhex(mac.replace(":", "").replace("-", ""))] = socket.inet_aton(machine)
    probe = Probe(name, own, ours, reserved)
    for _ in range(2):  # a frame may be lost
        probe.ask()
        if probe.listen(float(seconds) / 2):
            break
    for line, offered in probe.found.items():
        print(f"{line} {offered}".rstrip())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: lan-probe.py ADDRESS SECONDS MAC=ADDRESS...")
    main(*sys.argv[1:])
