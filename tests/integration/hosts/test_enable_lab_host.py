"""Preparing a PC by hand: what Enable-LabHost changes, that it changes it once, and that it puts everything back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from labkit.hyperv import trust
from labkit.project import POWERSHELL
from rehearsal.hosts import certificate as stand_in
from rehearsal.hosts import cmdlets
from rehearsal.hosts.pc import server
from rehearsal.hosts.state import HostState

pytestmark = pytest.mark.powershell

POLICIES = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
KEPT = ("users", "listeners", "firewall_rules")
MADE = [
    "the feature Hyper-V",
    "the account lab",
    "lab in Administrators",
    "full rights of local accounts over the network (LocalAccountTokenFilterPolicy)",
    "the network on vEthernet (Lab) is private",
    "TCP port 5986 open to the local subnet",
    "the service WinRM, at every start",
    "WinRM over HTTPS on port 5986",
    "no sleep while plugged in",
]


@pytest.fixture
def fresh(pc: HostState) -> HostState:
    """A PC as it comes out of the box."""
    (pc.drive / "ProgramData").mkdir()
    with pc.change() as state:
        state["features"]["Microsoft-Hyper-V"] = "Disabled"
        state["hypervisor"] = False
        state["services"] = {"WinRM": "Stopped"}
        state["start_types"]["WinRM"] = "Manual"
        state["sleep_s"] = 1800
        state["profiles"]["21"]["NetworkCategory"] = "Public"
        state["registry"][POLICIES] = {"PSPath": POLICIES}
    return pc


@pytest.fixture
def enable(pwsh: Path) -> Any:
    """Run the script on a PC; gives the lines it prints."""
    module = cmdlets.build(pwsh)

    def run(pc: HostState, arguments: str = "") -> list[str]:
        script = (
            f"Import-Module '{module}'; $null = New-PSDrive -Name C -PSProvider FileSystem -Root '{pc.drive}'\n"
            f"$null = New-PSDrive -Name Cert -PSProvider FileSystem -Root '{pc.folder / 'Cert'}'\n"
            "$secret = ConvertTo-SecureString -String not-printed -AsPlainText -Force\n"
            f"& '{POWERSHELL / 'Enable-LabHost.ps1'}' -Password $secret {arguments}"
        )
        (pc.folder / "Cert").mkdir(exist_ok=True)
        places = {
            "REHEARSAL_HOST": str(pc.folder), "REHEARSAL_DRIVE": str(pc.drive), "REHEARSAL_MODEL": server.address(),
            "PWSH_COMPAT": "5.1",
            "COMPUTERNAME": "PC1", "ProgramData": r"C:\ProgramData",
        }  # fmt: skip
        done = subprocess.run(
            [str(pwsh), "-NoProfile", "-NonInteractive", "-Command", script],
            env={**os.environ, **places}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        assert "not-printed" not in done.stdout
        return done.stdout.splitlines()

    return run


def changed(lines: list[str]) -> list[str]:
    return [line.removeprefix("changed: ") for line in lines if line.startswith("changed: ")]


def certificate(pc: HostState) -> x509.Certificate:
    files = list((pc.folder / "Cert" / "LocalMachine" / "My").iterdir())
    assert len(files) == 1
    return x509.load_pem_x509_certificate(files[0].read_bytes())


def alternatives(one: x509.Certificate) -> x509.SubjectAlternativeName:
    return one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_fresh_pc_is_prepared_once_and_its_certificate_is_named_and_such_as_a_stand_in_pc_has(
    fresh: HostState, enable: Any, tmp_path: Path
) -> None:
    lines = enable(fresh)
    assert changed(lines) == MADE
    assert any(line.startswith("RESTART NEEDED") for line in lines)
    made = certificate(fresh)
    names = alternatives(made)
    assert names.get_values_for_type(x509.DNSName) == ["PC1", "localhost"]
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"192.0.2.11", "127.0.0.1"}
    played = x509.load_pem_x509_certificate(stand_in.of_pc(tmp_path / "winrm.pem", "PC1", "192.0.2.11").read_bytes())
    assert (played.subject, played.issuer) == (made.subject, made.issuer)
    assert set(alternatives(played)) == set(names)
    assert stand_in.fingerprint(tmp_path / "winrm.pem") == trust.fingerprint(played.public_bytes(Encoding.PEM).decode())
    assert made.fingerprint(SHA256()).hex(":").upper() in lines[-2]
    assert trust.fingerprint(made.public_bytes(Encoding.PEM).decode()) in lines[-2]  # what hyperv.trust shows
    state = fresh.read()
    assert state["firewall_rules"]["hyperv-k8s-lab-winrm-5986"]["RemoteAddress"] == "LocalSubnet"
    assert state["users"]["lab"]["PasswordNeverExpires"] is True

    again = enable(fresh)
    assert changed(again) == []
    assert fresh.read() == state
    assert lines[-2] in again


def test_what_if_changes_nothing(fresh: HostState, enable: Any) -> None:
    before = fresh.read()
    lines = enable(fresh, "-WhatIf")
    assert sum(line.startswith("What if:") for line in lines) >= 6
    assert fresh.read() == before
    assert list((fresh.drive / "ProgramData").iterdir()) == []


def test_undo_puts_back_what_was_there(fresh: HostState, enable: Any) -> None:
    before = fresh.read()
    enable(fresh)
    lines = enable(fresh, "-Undo")
    assert len([line for line in lines if line.startswith("undone: ")]) == len(MADE) + 1  # and the certificate
    after = fresh.read()
    assert [after.get(key, {}) for key in KEPT] == [{}, {}, {}]
    assert after["registry"][POLICIES].get("LocalAccountTokenFilterPolicy") is None
    for key in ("sleep_s", "start_types", "profiles"):
        assert after[key] == before[key]
    assert list((fresh.folder / "Cert" / "LocalMachine" / "My").iterdir()) == []
    assert enable(fresh, "-Undo") == []


def test_an_account_that_was_there_before_survives_undo(fresh: HostState, enable: Any) -> None:
    with fresh.change() as state:
        state["users"] = {"lab": {"Name": "lab", "SID": "S-1-5-21-1-2-3-1001"}}
    assert "the account lab" not in changed(enable(fresh))
    enable(fresh, "-Undo")
    assert list(fresh.read()["users"]) == ["lab"]


def test_another_order_of_addresses_makes_no_new_certificate_and_a_new_address_does(
    fresh: HostState, enable: Any
) -> None:
    with fresh.change() as state:
        state["addresses"].append({**state["addresses"][0], "address": "192.0.2.12"})
    enable(fresh)
    old = certificate(fresh)
    with fresh.change() as state:
        state["addresses"].reverse()
    assert changed(enable(fresh)) == []
    assert certificate(fresh) == old
    with fresh.change() as state:
        state["addresses"][0]["address"] = "192.0.2.99"
    assert changed(enable(fresh)) == ["WinRM over HTTPS on port 5986"]
    assert certificate(fresh) != old


def test_a_certificate_that_lacks_this_pcs_own_names_is_made_anew_and_must_be_trusted_anew(
    fresh: HostState, enable: Any
) -> None:
    """A PC that was prepared by an earlier version of the script."""
    first = enable(fresh)
    assert not any("hyperv.trust" in line and "anew" in line for line in first)
    file = fresh.drive / "ProgramData" / "hyperv-k8s-lab" / "host.json"
    record = json.loads(file.read_text(encoding="ascii"))
    record["certificate"]["names"] = "DNS=PC1&IPAddress=192.0.2.11"
    file.write_text(json.dumps(record), encoding="ascii")
    old = certificate(fresh)
    lines = enable(fresh)
    assert changed(lines) == ["WinRM over HTTPS on port 5986"]
    assert certificate(fresh) != old
    assert any("hyperv.trust" in line and "anew" in line for line in lines)
    assert changed(enable(fresh)) == []


def test_http_needs_no_certificate(fresh: HostState, enable: Any) -> None:
    lines = enable(fresh, "-Http")
    assert "WinRM over HTTP on port 5985" in changed(lines)
    assert list(fresh.read()["listeners"]) == ["HTTP"]
    assert not any("fingerprint" in line for line in lines)


def test_an_edition_without_hyperv_is_told_before_anything_is_changed(
    fresh: HostState, pwsh: Path, enable: Any
) -> None:
    with fresh.change() as state:
        del state["features"]["Microsoft-Hyper-V"]
    before = fresh.read()
    with pytest.raises(AssertionError, match="this edition of Windows has no Hyper-V"):
        enable(fresh)
    assert fresh.read() == before


@pytest.mark.parametrize(
    ("feature", "hypervisor", "is_told"),
    [("Enabled", False, True), ("Enabled", True, False), ("EnablePending", False, False)],
)
def test_a_hypervisor_that_does_not_run_is_told_at_the_end(
    pc: HostState, enable: Any, feature: str, hypervisor: bool, is_told: bool
) -> None:
    with pc.change() as state:
        state["features"]["Microsoft-Hyper-V"] = feature
        state["hypervisor"] = hypervisor
    last = enable(pc, "-WhatIf")[-1]
    assert ("Hyper-V is installed and its hypervisor does not run" in last) is is_told
    assert ("bcdedit /set hypervisorlaunchtype auto" in last) is is_told
