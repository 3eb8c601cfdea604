"""The QEMU command of a VM, and what is believed of a guest."""

from __future__ import annotations

import base64
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from rehearsal.room import firmware
from rehearsal.room.vm import Adapter, Vm

ADAPTERS = tuple(Adapter(name, name, f"02:7e:57:0{n}:00:02", "br") for n, name in enumerate(("mgmt", "internal"), 1))
VM = Vm(
    "2f02befc-4696-4b0b-9607-a497aca0f4ea", "pc1", "lab-7e57-cp1", "lab-7e57", "cp1", "Running", 1, ADAPTERS, (), (),
    True, "MicrosoftUEFICertificateAuthority", memory_bytes=4 << 30,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for enrolled, name in ((True, "ms"), (False, "empty")):
        (tmp_path / name).write_text(name)
        monkeypatch.setitem(firmware.VARIABLES, enrolled, tmp_path / name)
    monkeypatch.setattr(firmware, "accelerator", lambda: "tcg")
    return tmp_path


def test_only_the_adapter_of_the_boot_order_boots(folder: Path) -> None:
    words = firmware.from_network(VM, ADAPTERS[1], ["t0", "t1"], folder)
    devices = [word for word in words if word.startswith("virtio-net-pci")]
    assert devices == [
        "virtio-net-pci,netdev=n0,mac=02:7e:57:01:00:02,romfile=",
        "virtio-net-pci,netdev=n1,mac=02:7e:57:02:00:02,romfile=,bootindex=0",
    ]


@pytest.mark.parametrize(
    ("secure_boot", "template", "keys"),
    [
        (True, "MicrosoftUEFICertificateAuthority", "ms"),
        (False, "MicrosoftUEFICertificateAuthority", "empty"),
        (True, "MicrosoftWindows", "empty"),
    ],
)
def test_the_enrolled_keys_follow_the_vms_secure_boot(
    folder: Path, secure_boot: bool, template: str, keys: str
) -> None:
    firmware.from_network(
        replace(VM, secure_boot=secure_boot, secure_boot_template=template), ADAPTERS[0], ["a", "b"], folder
    )
    assert (folder / "variables.fd").read_text() == keys


def lines(**changes: str) -> str:
    fields = {
        "mac": ADAPTERS[0].mac,
        "address": "10.0.0.12/24",
        "cmdline": base64.b64encode(b"inst.ks=http://10.0.0.11/ks/cp1.cfg\n").decode(),
        "kickstart": base64.b64encode("text\n# Größe\n".encode()).decode(),
    }
    return "".join(f"{key} {value}\n" for key, value in (fields | changes).items()) + "end\n"


def test_the_kickstart_is_handed_over_byte_by_byte() -> None:
    fetched = firmware.handed_over(lines())
    assert fetched is not None
    assert fetched.kickstart == "text\n# Größe\n".encode()
    assert fetched.address == IPv4Interface("10.0.0.12/24")
    assert "inst.ks=" in fetched.command_line


@pytest.mark.parametrize(
    "text",
    ["", lines().removesuffix("end\n"), lines(kickstart="!!"), "end\n", lines().replace("cmdline", "other")],
    ids=["nothing", "cut off", "damaged", "no kickstart", "no command line"],
)
def test_a_handing_over_that_is_not_whole_counts_as_none(text: str) -> None:
    assert firmware.handed_over(text) is None


def test_the_firmware_gave_up_when_it_says_so() -> None:
    assert firmware.gave_up(b'BdsDxe: starting Boot0000 "UiApp" from Fv(7CB8BDC9)/FvFile(462CAA21)')
    assert not firmware.gave_up(b'BdsDxe: starting Boot0001 "UEFI PXEv4"')
