"""A PC's facts out of a bundle become a PC that is nobody's, and that hyperv.check still finds the same wrong with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.dev.pc_of_bundle import anonymous

FACTS: dict[str, Any] = {
    "host": {"name": "KIM-PC", "powershell": "5.1.26100.1", "cpu": "Intel(R) Core(TM) i5-8500"},
    "switches": [{"id": "ca711c0d-e28b-467e-ad81-3affc3f55154", "name": "Lab of KIM-PC"}],
    "adapters": [
        {"id": "f999a9c1-cf13-4692-81e4-06d0b1793300", "name": "이더넷 2", "mac": "A4BB6D112233", "index": 7},
        {"id": "c08cb7b8-9b3c-408e-8e30-5e16a3aeb444", "name": "vEthernet (Default Switch)", "mac": "00155D445566"},
    ],
    "vms": [
        {"name": "payroll", "path": r"D:\VM\payroll", "detail": None, "macs": ["00155D445566"]},
        {"name": "w1", "notes": '{"lab": "lab-7e57"}', "detail": {"id": "F999A9C1-CF13-4692-81E4-06D0B1793300"}},
    ],
    "addresses": [
        {"index": 7, "address": "10.20.30.11"}, {"index": 9, "address": "169.254.7.7"},
        {"index": 1, "address": "127.0.0.1"},
    ],
    "readiness": {
        "neighbours": [
            {"address": "10.20.30.1", "mac": "a4-bb-6d-11-22-33"}, {"address": "172.20.0.1", "mac": "01005E000016"},
            {"address": "224.0.0.22", "mac": "FFFFFFFFFFFF"}, {"address": "fe80::a6bb:6dff:fe11:2233", "mac": ""},
        ],
    },
}  # fmt: skip


def test_nothing_of_anybody_is_left() -> None:
    text = json.dumps(anonymous(FACTS), ensure_ascii=False).lower()
    own = ("kim", "payroll", "ca711c0d", "f999a9c1", "112233", "445566", "11-22-33", "10.20.30", "172.20", "a6bb")
    assert [word for word in own if word in text] == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("adapters", 0, "name"), "이더넷 2"),
        (("adapters", 0, "mac"), "A4BB6D000001"),
        (("adapters", 1, "id"), "c08cb7b8-9b3c-408e-8e30-5e16a3aeb444"),
        (("adapters", 1, "mac"), "00155D000002"),
        (("vms", 0, "macs", 0), "00155D000002"),
        (("vms", 0, "path"), r"D:\VM\VM1"),
        (("vms", 1, "notes"), '{"lab": "lab-7e57"}'),
        (("addresses", 0, "address"), "192.168.1.11"),
        (("addresses", 1, "address"), "169.254.7.7"),
        (("readiness", "neighbours", 0), {"address": "192.168.1.1", "mac": "a4-bb-6d-00-00-01"}),
        (("readiness", "neighbours", 1), {"address": "192.168.2.1", "mac": "01005E000016"}),
        (("readiness", "neighbours", 2), {"address": "224.0.0.22", "mac": "FFFFFFFFFFFF"}),
        (("host", "powershell"), "5.1.26100.1"),
        (("switches", 0, "name"), "Lab of PC1"),
    ],
)
def test_what_belonged_together_still_does(where: tuple[Any, ...], value: Any) -> None:
    found: Any = anonymous(FACTS)
    for key in where:
        found = found[key]
    assert found == value


def test_one_id_is_one_however_it_is_written() -> None:
    found = anonymous(FACTS)
    assert found["vms"][1]["detail"]["id"] == found["adapters"][0]["id"]
