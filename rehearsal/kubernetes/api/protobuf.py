"""Objects in Kubernetes' protobuf form, which kubectl's own commands send; answers are always JSON.

Only the messages and fields in wire.yaml are known. Anything else is refused by name, never dropped.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from .errors import ApiError
from .objects import Obj, timestamp

MAGIC = b"k8s\x00"
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class WireField:
    """One field of a message."""

    name: str
    kind: str
    repeated: bool = False
    mapped: bool = False
    keeps_zero: bool = False


def _parse(text: str) -> tuple[int, WireField]:
    name, _, rest = text.partition("=")
    number, _, kind = rest.partition(":")
    keeps_zero, kind = kind.endswith("!"), kind.rstrip("!") or "string"
    return int(number), WireField(name, kind.strip("[]{}"), kind[0] == "[", kind[0] == "{", keeps_zero)


def _load() -> dict[str, dict[int, WireField]]:
    listed = yaml.safe_load((Path(__file__).parent / "wire.yaml").read_text(encoding="utf-8"))
    return {message: dict(_parse(text) for text in fields.split()) for message, fields in listed.items()}


_MESSAGES = _load()


def decode(body: bytes) -> Obj:
    """The object in a protobuf body; 415 for a message or a field that is not known here."""
    if not body.startswith(MAGIC):
        raise _unreadable("the body does not begin as protobuf of Kubernetes does")
    envelope = {number: value for number, _, value in _fields(body[len(MAGIC) :])}
    types = {number: value.decode() for number, _, value in _fields(envelope.get(1, b""))}
    api_version, kind = types.get(1, ""), types.get(2, "")
    if kind not in _MESSAGES:
        raise _unreadable(f"{kind} is not known in protobuf")
    return {"apiVersion": api_version, "kind": kind, **_message(kind, envelope.get(2, b""))}


def _unreadable(why: str) -> ApiError:
    return ApiError(415, "UnsupportedMediaType", f"the stand-in API server reads JSON, and little protobuf: {why}")


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field as it comes."""
    place = 0
    value: Any
    try:
        while place < len(data):
            tag, place = _varint(data, place)
            wire = tag & 7
            if wire == VARINT:
                value, place = _varint(data, place)
            elif wire == LENGTH:
                size, place = _varint(data, place)
                value, place = data[place : place + size], place + size
            elif wire in (FIXED64, FIXED32):
                size = 8 if wire == FIXED64 else 4
                value, place = struct.unpack_from("<q" if size == 8 else "<i", data, place)[0], place + size
            else:
                raise _unreadable(f"wire type {wire}")
            yield tag >> 3, wire, value
    except (IndexError, struct.error) as error:
        raise _unreadable("the message is cut off") from error


def _varint(data: bytes, place: int) -> tuple[int, int]:
    result, shift = 0, 0
    while True:
        byte = data[place]
        place += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            # Negative numbers come as 64-bit two's complement.
            return (result - (1 << 64) if result >> 63 else result), place


def _message(name: str, data: bytes) -> Obj:
    known = _MESSAGES[name]
    result: Obj = {}
    for number, _, value in _fields(data):
        field = known.get(number)
        if field is None:
            raise _unreadable(f"field {number} of {name} is not known; use kubectl apply or create -f")
        if field.kind == "skip":
            continue
        if field.mapped:
            key, item = _entry(field.kind, value)
            result.setdefault(field.name, {})[key] = item
        elif field.repeated:
            result.setdefault(field.name, []).append(_value(field.kind, value))
        else:
            found = _value(field.kind, value)
            if found or field.keeps_zero:
                result[field.name] = found
    return result


def _entry(kind: str, data: bytes) -> tuple[str, Any]:
    parts = {number: value for number, _, value in _fields(data)}
    return parts.get(1, b"").decode(), _value(kind, parts.get(2, b""))


def _value(kind: str, value: Any) -> Any:
    match kind:
        case "string":
            return value.decode()
        case "int":
            return value
        case "bool":
            return bool(value)
        case "bytes":
            return base64.b64encode(value).decode()
    parts = {number: inner for number, _, inner in _fields(value)} if kind not in _MESSAGES else {}
    match kind:
        case "Time":
            return timestamp(datetime.fromtimestamp(parts[1], UTC)) if parts.get(1) else None
        case "Quantity":
            return parts.get(1, b"").decode()
        case "IntOrString":
            return parts.get(3, b"").decode() if parts.get(1) else parts.get(2, 0)
    return _message(kind, value)
