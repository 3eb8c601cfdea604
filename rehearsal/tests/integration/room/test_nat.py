"""The NAT of a PC that the room plays: real packets, translated by the kernel."""

from __future__ import annotations

from pathlib import Path

from tests.integration.alone import seen_by

SCRIPT = Path(__file__).with_name("nat_once.py")


def test_behind_nat_the_pc_is_seen_on_both_sides_and_without_it_nobody_gets_out() -> None:
    assert seen_by(SCRIPT, needs=("nft",)) == {
        "machine": "198.51.100.1",
        "controller": "192.0.2.11",
        "without": "nobody",
    }
