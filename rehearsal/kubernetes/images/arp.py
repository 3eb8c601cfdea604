"""ARP for addresses that no adapter has: who asks for one is answered with the MAC of the adapter that he asked.

Frames are those of RFC 826 over Ethernet; a new owner tells everybody by announcements (RFC 5227, section 3).
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from .incluster import say

PROTOCOL = 0x0806
REQUEST, REPLY = 1, 2
BROADCAST = b"\xff" * 6
HEADER = struct.Struct("!6s6sHHHBBH6s4s6s4s")
ETHERNET, IPV4, MAC_BYTES, ADDRESS_BYTES = 1, 0x0800, 6, 4
NOT_OURS = re.compile(r"lo|cni\d+|veth.*|cali.*|vxlan\..*|flannel\..*")
"""Adapters that lead to pods or tunnels, as upstream's ConfigMap metallb-excludel2 has them: no LAN is behind them."""
ANNOUNCEMENTS, ANNOUNCE_INTERVAL_S = 3, 1.0

Addresses = Mapping[str, frozenset[str]]
"""The addresses to answer for, each with the adapters to answer at; none named are all."""


@dataclass(frozen=True)
class Question:
    """Who asks for which address."""

    mac: bytes
    address: str
    wanted: str


def parse(frame: bytes) -> Question | None:
    """The question in an Ethernet frame; None for anything else."""
    if len(frame) < HEADER.size:
        return None
    _, _, protocol, hardware, network, *sizes, operation, mac, address, _, wanted = HEADER.unpack_from(frame)
    expected = (PROTOCOL, ETHERNET, IPV4, [MAC_BYTES, ADDRESS_BYTES], REQUEST)
    if (protocol, hardware, network, sizes, operation) != expected:
        return None
    return Question(mac, str(IPv4Address(address)), str(IPv4Address(wanted)))


def reply(question: Question, mac: bytes) -> bytes:
    """The frame that answers it: the address that is wanted is at `mac`."""
    return _frame(question.mac, mac, REPLY, question.wanted, question.mac, question.address)


def announcement(address: str, mac: bytes) -> bytes:
    """The frame that tells everybody that the address is at `mac` from now on."""
    return _frame(BROADCAST, mac, REQUEST, address, b"\x00" * MAC_BYTES, address)


def _frame(to: bytes, mac: bytes, operation: int, own: str, target_mac: bytes, target: str) -> bytes:
    addresses = IPv4Address(own).packed, IPv4Address(target).packed
    fixed = (PROTOCOL, ETHERNET, IPV4, MAC_BYTES, ADDRESS_BYTES, operation)
    return HEADER.pack(to, mac, *fixed, mac, addresses[0], target_mac, addresses[1])


def answers(addresses: Addresses, question: Question, adapter: str) -> bool:
    """Whether a question that came in on `adapter` is answered."""
    adapters = addresses.get(question.wanted)
    return adapters is not None and (not adapters or adapter in adapters) and not NOT_OURS.fullmatch(adapter)


class Responder:
    """Answers for the addresses that it was given last."""

    def __init__(self) -> None:
        self.addresses: Addresses = {}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(PROTOCOL))

    def start(self) -> None:
        """Answer in a thread of its own."""
        threading.Thread(target=self._listen, name="arp", daemon=True).start()

    def answer_for(self, addresses: Addresses) -> None:
        """Answer for these and no others; those that are new are announced."""
        new = dict(addresses.items() - self.addresses.items())
        self.addresses = addresses
        if new:
            threading.Thread(target=self._announce, args=(new,), name="announce", daemon=True).start()

    def _listen(self) -> None:
        while True:
            frame, (adapter, _, kind, *_) = self._socket.recvfrom(2048)
            question = parse(frame) if kind != socket.PACKET_OUTGOING else None
            if question and answers(self.addresses, question, adapter):
                _send(adapter, partial(reply, question))

    def _announce(self, new: Addresses) -> None:
        for _ in range(ANNOUNCEMENTS):
            for _, adapter in socket.if_nameindex():
                for address in new:
                    if answers(new, Question(b"", "", address), adapter):
                        _send(adapter, partial(announcement, address))
            time.sleep(ANNOUNCE_INTERVAL_S)


def _send(adapter: str, frame: Callable[[bytes], bytes]) -> None:
    """Send what `frame` makes of the adapter's own MAC; one that is down or gone has nobody to tell."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:  # without a protocol it hears nothing
        try:
            out.bind((adapter, 0))
            out.send(frame(out.getsockname()[4]))
        except OSError as error:
            say(f"{adapter}: {error}")
