"""One machine boots from the network through the rendered PXE tree, under Secure Boot, up to its own kickstart.

Real firmware (OVMF with the Microsoft keys), signed shim, GRUB and kernel, the lab's rendered dnsmasq, nginx, GRUB and
kickstart files. Needs root; about 20 s without hardware virtualisation, plus the base image the first time.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from rehearsal.room import base, system
from rehearsal.room.layout import Layout
from rehearsal.upstream import boot

pytestmark = [pytest.mark.boot, pytest.mark.timeout(900)]
SCRIPT = Path(__file__).with_name("boot_once.py")
MACHINE = "w2"


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the server and the machine saw of one boot."""
    if os.geteuid() != 0:
        pytest.skip("booting a machine needs root")
    system.require_debian()
    if missing := system.missing():
        system.install(missing, print)
    cache = Layout.default().cache
    base.image(cache)
    boot.files(cache)  # downloads happen before the namespaces are entered
    folder = tmp_path_factory.mktemp("boot")
    isolate = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    result = subprocess.run(
        [*isolate, sys.executable, str(SCRIPT), str(folder), MACHINE], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    facts: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return facts


def test_the_machine_fetches_its_own_kickstart_byte_for_byte_from_where_its_own_grub_file_says(
    booted: dict[str, Any], lab: Lab
) -> None:
    assert booted["kickstart"], booted["console"][-2000:]
    assert booted["kickstart"] == booted["rendered"]
    assert f" --hostname={MACHINE} ".encode() in base64.b64decode(booted["kickstart"])
    words = booted["command_line"].split()
    assert f"inst.ks=http://{lab.bootstrap.mgmt.address}/ks/{MACHINE}.cfg" in words
    assert f"BOOTIF=01-{lab.machine(MACHINE).mgmt.mac}" in words


def test_the_initramfs_is_not_limited_to_half_of_the_memory(booted: dict[str, Any]) -> None:
    assert "stand-in installer: the initramfs is a ramfs" in booted["console"]


def test_secure_boot_checked_every_link(booted: dict[str, Any]) -> None:
    assert "UEFI Secure Boot is enabled" in booted["console"]
    assert "Fetching Netboot Image grubx64.efi" in booted["console"]  # shim's words


def test_the_lease_is_the_machines_reservation(booted: dict[str, Any], lab: Lab) -> None:
    machine = lab.machine(MACHINE)
    assert booted["address"] == f"{machine.mgmt.address}/24"
    offers = [line for line in booted["dhcp"].splitlines() if "DHCPOFFER" in line]
    assert offers
    assert all(machine.mgmt.mac in line and str(machine.mgmt.address) in line for line in offers)


def test_the_server_saw_the_kickstart_leave_to_the_machines_address(booted: dict[str, Any], lab: Lab) -> None:
    rows = [json.loads(line) for line in booted["http"].splitlines()]
    fetches = [row for row in rows if row["uri"] == f"/ks/{MACHINE}.cfg"]
    assert [(row["client"], row["status"]) for row in fetches] == [(str(lab.machine(MACHINE).mgmt.address), 200)]
