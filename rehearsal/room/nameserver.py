"""The name server of EXTERNAL: it knows no name and says so at once, so that nobody waits in a sealed room."""

from __future__ import annotations

import socket
import struct
import threading

NAME_ERROR = 3  # RFC 1035, 4.1.1: the name does not exist
ANSWER = 0x8000  # QR; recursion desired (0x0100) is copied from the question, recursion available is 0x0080
HEADER = struct.Struct("!6H")


def serve(address: str, port: int = 53) -> None:
    """Answer on `address` in a thread for as long as the process lives."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    threading.Thread(target=_answer_all, args=(server,), name="nameserver", daemon=True).start()


def answer(query: bytes) -> bytes | None:
    """The answer to a query: no such name. None for what is no query."""
    if len(query) < HEADER.size:
        return None
    number, flags, questions, *_ = HEADER.unpack_from(query)
    if flags & ANSWER or questions != 1:
        return None
    end = _end_of_question(query)
    if end is None:
        return None
    return HEADER.pack(number, ANSWER | flags & 0x0100 | 0x0080 | NAME_ERROR, 1, 0, 0, 0) + query[HEADER.size : end]


def _end_of_question(query: bytes) -> int | None:
    """Where the one question ends: labels, a zero, type and class (two bytes each)."""
    at = HEADER.size
    while at < len(query) and query[at]:
        at += 1 + query[at]
    return at + 5 if at + 5 <= len(query) else None


def _answer_all(server: socket.socket) -> None:
    while True:
        query, client = server.recvfrom(4096)
        reply = answer(query)
        if reply:
            server.sendto(reply, client)
