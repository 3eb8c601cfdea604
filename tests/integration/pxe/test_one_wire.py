"""Without VLANs all networks are one wire: DHCP and ARP stay where they belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.alone import seen_by
from tests.labs import untagged

SCRIPT = Path(__file__).with_name("wire_once.py")
LAB = untagged()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return seen_by(SCRIPT, tmp_path_factory.mktemp("wire"), needs=("dnsmasq", "busybox"), timeout_s=60)


def test_a_machine_is_offered_one_address_on_its_mgmt_adapter_and_nothing_on_the_others(seen: dict[str, Any]) -> None:
    address = str(LAB.control_plane.mgmt.address)
    assert seen["bound"] == [address]
    assert seen["offers"] == [["eth0", address]]


def test_an_address_is_answered_for_by_its_own_adapter_once_the_kickstart_has_settled_that(
    seen: dict[str, Any],
) -> None:
    """Without that setting Linux answers on all three."""
    assert seen["before"] == sorted(interface.mac for interface in LAB.bootstrap.interfaces)
    assert seen["after"] == [LAB.bootstrap.mgmt.mac]
