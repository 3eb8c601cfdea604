"""CoreDNS: A records of the cluster's Services over UDP and TCP; other names are asked of the node's name servers."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from rehearsal.kubernetes.node.httpd import Quiet, Server

from .incluster import api, follow, option, say

Object = dict[str, Any]
A, ANY, INTERNET = 1, 255, 1
NO_ERROR, SERVER_FAILURE, NO_NAME = 0, 2, 3
TTL_S = 30
UPSTREAM_TIMEOUT_S = 2


class Names:
    """What the cluster's names stand for."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.services: dict[str, Object] = {}
        self.ready = threading.Event()

    def services_changed(self, objects: dict[str, Object]) -> None:
        self.services = dict(objects)
        self.ready.set()

    def addresses(self, name: str) -> list[str] | None:
        """The addresses of `service.namespace.svc.<domain>`; None when there is no such Service."""
        match = re.fullmatch(rf"([^.]+)\.([^.]+)\.svc\.{re.escape(self.domain)}", name.lower())
        service = self.services.get(f"{match[2]}/{match[1]}") if match else None
        if match is None or service is None:
            return None
        return [service["spec"]["clusterIP"]]

    def is_ours(self, name: str) -> bool:
        return name.lower() == self.domain or name.lower().endswith(f".{self.domain}")


def question(packet: bytes) -> tuple[str, int, bytes]:
    """Name, type and the bytes of the first question. Raises ValueError."""
    position, labels = 12, []
    while position < len(packet) and packet[position]:
        length = packet[position]
        labels.append(packet[position + 1 : position + 1 + length].decode("ascii", "replace"))
        position += length + 1
    if position + 5 > len(packet):
        raise ValueError("a question that ends too early")
    kind, _ = struct.unpack(">HH", packet[position + 1 : position + 5])
    return ".".join(labels), kind, packet[12 : position + 5]


def answer(packet: bytes, names: Names) -> bytes:
    """The answer to one query of the cluster's own domain."""
    name, kind, asked = question(packet)
    addresses = names.addresses(name)
    found = addresses if addresses and kind in (A, ANY) else []
    code = NO_ERROR if addresses is not None else NO_NAME
    header = packet[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(found), 0, 0)
    records = [struct.pack(">HHHLH", 0xC00C, A, INTERNET, TTL_S, 4) + socket.inet_aton(address) for address in found]
    return header + asked + b"".join(records)


def forward(packet: bytes, servers: list[str]) -> bytes:
    """Ask the node's name servers; SERVFAIL when none answers."""
    for server in servers:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(UPSTREAM_TIMEOUT_S)
            try:
                client.sendto(packet, (server, 53))
                return client.recv(4096)
            except OSError:
                continue
    return packet[:2] + struct.pack(">HHHHH", 0x8180 | SERVER_FAILURE, 1, 0, 0, 0) + question(packet)[2]


def resolve(packet: bytes, names: Names, servers: list[str]) -> bytes:
    name, _, _ = question(packet)
    return answer(packet, names) if names.is_ours(name) else forward(packet, servers)


def servers_of(text: str) -> list[str]:
    return re.findall(r"^nameserver\s+(\d+\.\d+\.\d+\.\d+)", text, re.MULTILINE)


def serve(names: Names, servers: list[str], port: int) -> None:
    """Answer on UDP and TCP, each query in a thread."""

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            packet, channel = self.request
            try:
                channel.sendto(resolve(packet, names, servers), self.client_address)
            except (ValueError, OSError) as error:
                say(f"dns: {error}")

    class Tcp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            length = self.request.recv(2)
            if len(length) == 2:
                reply = resolve(self.request.recv(struct.unpack(">H", length)[0]), names, servers)
                self.request.sendall(struct.pack(">H", len(reply)) + reply)

    for server in (
        socketserver.ThreadingUDPServer(("0.0.0.0", port), Udp),
        socketserver.ThreadingTCPServer(("0.0.0.0", port), Tcp),
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()


def serve_health(names: Names) -> None:
    class Health(Quiet):
        def do_GET(self) -> None:  # noqa: N802  # the library's name
            self.status(200 if names.ready.is_set() or self.path == "/health" else 503)

    for port in (8080, 8181):
        Server(("0.0.0.0", port), Health).start(f"health-{port}")


def main() -> None:
    corefile = Path(option(sys.argv[1:], "conf", "/etc/coredns/Corefile"))
    text = corefile.read_text() if corefile.exists() else ""
    match = re.search(r"kubernetes\s+(\S+)", text)
    port = re.search(r"^\s*\.:(\d+)", text, re.MULTILINE)
    names = Names(match[1] if match else "cluster.local")
    resolver = Path("/etc/resolv.conf")
    upstream = servers_of(resolver.read_text()) if resolver.exists() else []
    serve(names, upstream, int(port[1]) if port else 53)
    serve_health(names)
    follow(api(), "/api/v1/services", names.services_changed)


if __name__ == "__main__":
    main()
