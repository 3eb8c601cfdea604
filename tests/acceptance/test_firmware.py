"""Six VMs start at once from one bootstrap server: every refusal has its accepted twin beside it, in one capture.

Real firmware (OVMF), signed shim, GRUB and kernel, the lab's rendered dnsmasq, nginx and GRUB files. A refusal is told
by the words of whoever refused.
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
from tests.acceptance.firmware.boots_once import STRANGER

pytestmark = pytest.mark.timeout(900)
ONE_ACT = True
SCRIPT = Path(__file__).parent / "firmware" / "boots_once.py"
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the server and the machines saw."""
    if os.geteuid() != 0:
        pytest.skip("booting machines needs root")
    system.require_debian()
    if missing := system.missing():
        system.install(missing, print)
    base.image(Layout.default().cache)
    boot.unpack("grub-efi-amd64-bin", Layout.default().cache)
    boot.files(Layout.default().cache)  # downloads happen before the namespaces are entered
    folder = tmp_path_factory.mktemp("firmware")
    isolate = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*isolate, sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    facts: Seen = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return facts


def fetched(capture: Seen, name: str) -> str:
    """The kickstart that a VM handed over."""
    one = capture["seen"][name]
    assert one["kickstart"], one["console"][-3000:]
    return base64.b64decode(one["kickstart"]).decode()


def not_there(capture: Seen) -> list[Seen]:
    """The requests for a kernel that was taken away."""
    rows = (json.loads(line) for line in capture["http"].splitlines())
    return [row for row in rows if row["uri"].endswith("pxeboot/nothing")]


@pytest.mark.parametrize(
    ("name", "machine"),
    [("described", "w1"), ("insecure", "w2"), ("tftp", "w3")],
)
def test_each_armed_machine_ends_with_its_own_kickstart(capture: Seen, name: str, machine: str) -> None:
    assert f"--hostname={machine} " in fetched(capture, name)


def test_secure_boot_is_on_and_off_side_by_side(capture: Seen) -> None:
    seen = capture["seen"]
    assert "UEFI Secure Boot is enabled" in seen["described"]["console"]
    assert "UEFI Secure Boot is enabled" not in seen["insecure"]["console"]


def test_a_kernel_comes_over_http_and_over_tftp_where_it_cannot(capture: Seen, lab: Lab) -> None:
    sent = [line for line in capture["dhcp"].splitlines() if "sent" in line and "/images/vmlinuz" in line]
    over_tftp = {line.split()[-1] for line in sent}
    rows = [json.loads(line) for line in capture["http"].splitlines() if "vmlinuz" in line]
    asked = {row["client"]: row["status"] for row in [*rows, *not_there(capture)]}
    addresses = {name: str(lab.machine(name).mgmt.address) for name in ("w1", "w2", "w3")}
    assert over_tftp == {addresses["w1"], addresses["w3"]}
    assert asked == {addresses["w2"]: 200, addresses["w3"]: 404}


def test_a_tampered_kernel_is_refused_by_shim_and_the_untouched_one_starts(capture: Seen) -> None:
    refused = capture["seen"]["tampered"]
    assert "bad shim signature" in refused["console"], refused["console"][-3000:]
    assert refused["kickstart"] is None
    assert fetched(capture, "described")


def test_a_stranger_gets_no_offer_and_the_machines_do(capture: Seen, lab: Lab) -> None:
    lines = capture["dhcp"].splitlines()
    asked = [line for line in lines if "DHCPDISCOVER" in line and STRANGER in line]
    assert asked
    assert all(line.endswith("ignored") for line in asked), asked
    offered = {word for line in lines if "DHCPOFFER" in line for word in line.split() if word.count(":") == 5}
    assert offered == {lab.machine(name).mgmt.mac for name in ("w1", "w2", "w3", "storage1")}
    assert capture["seen"]["stranger"]["kickstart"] is None


def test_a_machine_that_is_not_armed_boots_its_own_disk_and_asks_nobody(capture: Seen, lab: Lab) -> None:
    console = capture["seen"]["unarmed"]["console"]
    assert "THIS DISK BOOTS" in console, console[-3000:]
    assert lab.machine("cp1").mgmt.mac not in capture["dhcp"]
