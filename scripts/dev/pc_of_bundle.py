#!/usr/bin/env python3
"""Prints what a PC in a bundle answered as a file of the table of PCs: names, MACs and addresses are replaced.

Usage: scripts/dev/pc_of_bundle.py BUNDLE.zip HOST > tests/pcs/NAME.yaml
`about`, `findings` and `file` (of what lab it is a PC) are yours to write; its own address may have to be that lab's.

The same name, MAC, id or address becomes the same other one, wherever it stands. What says nothing of anybody stays:
the vendor in a MAC, the last number of an address, names that Windows gives, and ranges that are special.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from zipfile import ZipFile

import yaml

DEFAULT_SWITCH = "c08cb7b8-9b3c-408e-8e30-5e16a3aeb444"  # Windows' own, the same on every PC
TOKEN = re.compile(
    r"(?P<guid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<mac>\b(?:[0-9a-f]{12}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5})\b)"
    r"|(?P<v4>\b\d{1,3}(?:\.\d{1,3}){3}\b)"
    r"|(?P<v6>(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]))",
    re.IGNORECASE,
)
MOMENT = "2026-11-23T10:00:00Z"  # when all PCs of the table are read
MULTICAST = ("01005E", "3333", "FFFFFFFFFFFF", "000000000000")


def main(bundle: str, host: str) -> None:
    """Print the YAML of one PC's answer."""
    with ZipFile(bundle) as archive:
        answer = json.loads(archive.read(f"hosts/{host}.json"))
    answer.pop("notes", None)  # what a stand-in says of itself
    answer["host"]["time"] = MOMENT
    pc = {"about": f"PC of a bundle: {answer['host']['cpu']}", "facts": anonymous(answer), "findings": {}}
    print(yaml.safe_dump(pc, allow_unicode=True, sort_keys=False, default_flow_style=None, width=160), end="")


def anonymous(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of the reading scripts with names, ids, MACs and addresses replaced, each by the same everywhere."""
    others = [str(vm["name"]) for vm in answer.get("vms", []) if vm.get("detail") is None]
    names = {str(answer["host"]["name"]): "PC1"} | {name: f"VM{number}" for number, name in enumerate(others, 1)}
    replaced: dict[tuple[str, str], str] = {}

    def again(kind: str, value: str, make: Callable[[int], str]) -> str:
        count = sum(one == kind for one, _ in replaced)
        return replaced.setdefault((kind, value), make(count + 1))

    def token(found: re.Match[str]) -> str:
        text = found[0]
        if found["guid"]:
            return text if text.lower() == DEFAULT_SWITCH else again("guid", text.lower(), _guid)
        if found["mac"]:
            return _mac(text, again)
        return _address(text, again)

    def of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of(one) for key, one in value.items()}
        if isinstance(value, list):
            return [of(one) for one in value]
        return _named(TOKEN.sub(token, value), names) if isinstance(value, str) else value

    told: dict[str, Any] = of(answer)
    return told


Again = Callable[[str, str, Callable[[int], str]], str]


def _guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def _mac(text: str, again: Again) -> str:
    """The vendor's half stays, the device's is counted; written as it was."""
    digits = re.sub("[:-]", "", text).upper()
    if digits.startswith(MULTICAST):
        return text
    fresh = again("mac", digits, lambda number: f"{digits[:6]}{number:06X}")
    mark = text[2] if len(text) > 12 else ""
    shown = mark.join(fresh[place : place + 2] for place in range(0, 12, 2))
    return shown if text == text.upper() else shown.lower()


def _address(text: str, again: Again) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if address.is_loopback or address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
        return text
    if isinstance(address, IPv6Address):
        return again("v6", str(address), lambda number: f"2001:db8::{number:x}")
    return text if address.is_link_local else _v4(address, again)


def _v4(address: IPv4Address, again: Again) -> str:
    """Networks are counted and the last number stays, so that who shared a LAN, and who had .1, still does."""
    lan, _, last = str(address).rpartition(".")
    return f"{again('lan', lan, lambda number: f'192.168.{number}')}.{last}"


def _named(text: str, names: dict[str, str]) -> str:
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", names[name], text, flags=re.IGNORECASE)
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
