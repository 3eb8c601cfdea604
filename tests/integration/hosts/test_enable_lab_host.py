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
KEPT = ("users", "listeners", "firewall_rules", "rights")
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
    r"the folder C:\Lab is closed to other users of this PC",
]
PARTS = ("Hypervisor", "Services", "Management-PowerShell")


@pytest.fixture
def fresh(pc: HostState) -> HostState:
    """A PC as it comes out of the box."""
    (pc.drive / "ProgramData").mkdir()
    with pc.change() as state:
        state["features"] = dict.fromkeys(state["features"], "Disabled")
        state["hypervisor"] = False
        state["services"] = {"WinRM": "Stopped"}
        state["start_types"]["WinRM"] = "Manual"
        state["sleep_s"] = 1800
        state["profiles"]["21"]["NetworkCategory"] = "Public"
        state["registry"][POLICIES] = {"PSPath": POLICIES}
    return pc


@pytest.fixture
def enable(pwsh: Path, tmp_path: Path) -> Any:
    """Run the script on a PC; gives the lines it prints. `typed` is what somebody answers, instead of -Password."""
    module = cmdlets.build(pwsh)
    script_file = tmp_path / "Enable-LabHost.ps1"
    desktop_only = (
        "#Requires -PSEdition Desktop\n"  # the engine that plays Windows PowerShell here is the other edition
    )
    script_file.write_text((POWERSHELL / script_file.name).read_text(encoding="ascii").replace(desktop_only, ""))

    def run(pc: HostState, arguments: str = "", *, code: int = 0, typed: tuple[str, ...] = ()) -> list[str]:
        answers = ", ".join(f"'{answer}'" for answer in typed)
        script = (
            f"Import-Module '{module}'; $null = New-PSDrive -Name C -PSProvider FileSystem -Root '{pc.drive}'\n"
            f"$null = New-PSDrive -Name Cert -PSProvider FileSystem -Root '{pc.folder / 'Cert'}'\n"
            "$secret = ConvertTo-SecureString -String not-printed -AsPlainText -Force\n"
            f"$global:typed = [System.Collections.Queue]@({answers})\n"
            "function Read-Host { param($Prompt, [switch]$AsSecureString) $text = $global:typed.Dequeue()\n"
            "if ($text) { return ConvertTo-SecureString -String $text -AsPlainText -Force }\n"
            "New-Object -TypeName System.Security.SecureString }\n"
            f"& '{script_file}' {'' if typed else '-Password $secret'} {arguments}"
        )
        (pc.folder / "Cert").mkdir(exist_ok=True)
        places = {
            "REHEARSAL_HOST": str(pc.folder), "REHEARSAL_DRIVE": str(pc.drive), "REHEARSAL_MODEL": server.address(),
            "PWSH_COMPAT": "5.1",
            "COMPUTERNAME": "PC1", "ProgramData": r"C:\ProgramData",
        }  # fmt: skip
        done = subprocess.run(
            [str(pwsh), "-NoProfile", "-NonInteractive", "-Command", script],
            env={**os.environ, **places}, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr == ""
        assert "not-printed" not in done.stdout
        return done.stdout.splitlines()

    return run


def told(lines: list[str], how: str) -> list[str]:
    return [line.removeprefix(f"{how}: ") for line in lines if line.startswith(f"{how}: ")]


def changed(lines: list[str]) -> list[str]:
    return told(lines, "changed")


def category(pc: HostState) -> dict[str, str]:
    """Of each network, by its adapter."""
    return {one["InterfaceAlias"]: one["NetworkCategory"] for one in pc.read()["profiles"].values()}


def add_network(pc: HostState, index: int, name: str, address: str = "", **adapter: Any) -> None:
    """One more network that Windows takes for a public one; with an address, one that leads out."""
    with pc.change() as state:
        one = {**state["adapters"][0], "name": name, "index": index, "description": name, **adapter}
        state["adapters"].append(one)
        if address:
            state["addresses"].append({"adapter": name, "address": address, "prefix": 24, "origin": "Dhcp"})
            state["routes"].append({"adapter": name, "prefix": "0.0.0.0/0", "gateway": "10.0.0.1"})
        public = {"InterfaceIndex": index, "InterfaceAlias": name, "NetworkCategory": "Public"}
        state["profiles"][str(index)] = public


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
    assert lines[-2].startswith("the certificate names PC1, localhost, 127.0.0.1, 192.0.2.11: ")
    assert made.fingerprint(SHA256()).hex(":").upper() in lines[-1]
    assert trust.fingerprint(made.public_bytes(Encoding.PEM).decode()) in lines[-1]  # what hyperv.trust shows
    state = fresh.read()
    assert state["firewall_rules"]["hyperv-k8s-lab-winrm-5986"]["RemoteAddress"] == "LocalSubnet"
    assert state["users"]["lab"]["PasswordNeverExpires"] is True

    again = enable(fresh)
    assert changed(again) == []
    assert sorted(told(again, "ok")) == sorted(MADE)
    assert fresh.read() == state
    assert again[-2:] == lines[-2:]


def test_what_if_changes_nothing(fresh: HostState, enable: Any) -> None:
    before = fresh.read()
    lines = enable(fresh, "-WhatIf")
    assert told(lines, "would change") == MADE
    assert fresh.read() == before
    assert list((fresh.drive / "ProgramData").iterdir()) == []


def test_a_name_that_is_longer_than_windows_keeps_is_told_and_fails_nothing(fresh: HostState, enable: Any) -> None:
    with fresh.change() as state:
        state["dns_host_name"] = "pc1-of-professor-kim"
    (note,) = (line for line in enable(fresh, "-WhatIf") if line.startswith("THE NAME OF THIS PC"))
    assert "pc1-of-professor-kim" in note
    assert "PC1" in note
    assert "Rename-Computer" in note


def test_undo_puts_back_what_was_there(fresh: HostState, enable: Any) -> None:
    before = fresh.read()
    enable(fresh)
    lines = enable(fresh, "-Undo")
    assert len([line for line in lines if line.startswith("undone: ")]) == len(MADE) + 1  # and the certificate
    after = fresh.read()
    assert [after.get(key, {}) for key in KEPT] == [{}] * len(KEPT)
    assert after["registry"][POLICIES].get("LocalAccountTokenFilterPolicy") is None
    for key in ("sleep_s", "start_types", "profiles"):
        assert after[key] == before[key]
    assert set(after["features"].values()) == {"DisablePending"}
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
        state["features"] = {}
    before = fresh.read()
    lines = enable(fresh, code=1)
    assert told(lines, "not done") == [
        f"{MADE[0]}: this edition of Windows has no Hyper-V: Pro, Enterprise or Education is needed"
    ]
    assert fresh.read() == before


@pytest.mark.parametrize("missing", [PARTS[-1:], PARTS])
def test_a_half_installed_hyperv_gets_what_it_lacks_and_undo_takes_that_alone(
    fresh: HostState, enable: Any, missing: tuple[str, ...]
) -> None:
    """Somebody ticked a part of it: the feature that has its name is there."""
    with fresh.change() as state:
        there = {name: "Disabled" if name.endswith(missing) else "Enabled" for name in state["features"]}
        state["features"] = there
    assert changed(enable(fresh))[0] == MADE[0]
    added = [name for name, now in fresh.read()["features"].items() if now == "EnablePending"]
    assert [name for name in added if name.endswith(missing)] == [name for name in there if name.endswith(missing)]
    enable(fresh, "-Undo")
    undone = [name for name, now in fresh.read()["features"].items() if now == "DisablePending"]
    assert undone == [name for name, was in there.items() if was == "Disabled"]


def test_only_the_network_that_leads_out_by_cable_is_made_private(fresh: HostState, enable: Any) -> None:
    add_network(fresh, 30, "Wi-Fi", "10.0.0.7", medium="Native 802.11")
    add_network(fresh, 31, "vEthernet (WSL)", physical=False, description="Hyper-V Virtual Ethernet Adapter")
    add_network(fresh, 32, "VPN", "10.8.0.7", physical=False, description="TAP-Windows Adapter V9")
    before = category(fresh)
    lines = enable(fresh)
    assert changed(lines) == MADE
    assert category(fresh) == {**before, "vEthernet (Lab)": "Private"}


def test_of_two_cables_the_one_with_the_given_address_is_the_labs(fresh: HostState, enable: Any) -> None:
    add_network(fresh, 30, "Ethernet 2", "10.0.0.7")
    (missing,) = told(enable(fresh, code=1), "not done")
    assert "-Address 192.0.2.11" in missing
    assert "-Address 10.0.0.7" in missing
    assert set(category(fresh).values()) == {"Public"}
    assert changed(enable(fresh, "-Address 10.0.0.7")) == ["the network on Ethernet 2 is private"]
    assert category(fresh) == {"vEthernet (Lab)": "Public", "Ethernet 2": "Private"}
    assert "192.0.2.12" in told(enable(fresh, "-Address 192.0.2.12", code=1), "not done")[0]


def test_what_cannot_be_set_is_told_with_the_reason_and_the_rest_is_done(fresh: HostState, enable: Any) -> None:
    """A profile that a policy holds, and an account whose password Windows does not take."""
    before = fresh.read()
    with fresh.change() as state:
        state["profiles"]["21"]["by_policy"] = True
        state["password_length"] = 14
    lines = enable(fresh, code=1)
    missing = told(lines, "not done")
    assert [line.partition(": ")[0] for line in missing] == [MADE[1], MADE[2], MADE[4]]
    assert "complexity" in missing[0]
    assert "by a policy" in missing[2]
    assert changed(lines) == [what for what in MADE if what not in (MADE[1], MADE[2], MADE[4])]
    ends = [number for number, line in enumerate(lines) if line.startswith(("ok: ", "changed: ", "not done: "))]
    assert ends == list(range(ends[0], ends[0] + len(MADE)))  # one list, nothing between its lines
    with fresh.change() as state:
        state["password_length"] = 0
    (alone,) = told(enable(fresh), "not done")  # the lab's rule in the firewall holds on public networks too
    assert MADE[4] in alone
    lines = enable(fresh, "-Undo")
    assert told(lines, "not undone") == []
    assert {**fresh.read()["profiles"]["21"], "by_policy": 0} == {**before["profiles"]["21"], "by_policy": 0}


def test_undo_finds_the_network_under_another_index_and_goes_on_past_what_it_cannot_put_back(
    fresh: HostState, enable: Any
) -> None:
    """As after `hyperv.switch`, which moves the address to another adapter; the rule was removed by hand."""
    enable(fresh)
    with fresh.change() as state:
        state["adapters"][1].update(index=30, name="vEthernet (Other)")
        for item in [*state["addresses"], *state["routes"], *state["dns"]]:
            item["adapter"] = "vEthernet (Other)"
        state["profiles"] = {
            "30": {**state["profiles"]["21"], "InterfaceIndex": 30, "InterfaceAlias": "vEthernet (Other)"}
        }
        state["profiles"]["30"]["by_policy"] = True
        state["firewall_rules"] = {}
    (stays,) = told(enable(fresh, "-Undo", code=1), "not undone")
    assert stays.startswith("the network's profile: ")
    assert "by a policy" in stays
    assert [fresh.read().get(key, {}) for key in KEPT] == [{}] * len(KEPT)
    with fresh.change() as state:
        state["profiles"]["30"]["by_policy"] = False
    assert told(enable(fresh, "-Undo"), "undone") == ["the network's profile"]
    assert category(fresh) == {"vEthernet (Other)": "Public"}


def test_a_password_is_typed_twice_is_never_empty_and_can_be_set_again(fresh: HostState, enable: Any) -> None:
    lines = enable(fresh, typed=("", "first", "frist", "mellon", "mellon"))
    assert MADE[1] in changed(lines)
    assert not any("mellon" in line for line in lines)
    assert fresh.read()["users"]["lab"]["Password"] == "mellon"
    assert changed(enable(fresh, "-SetPassword", typed=("other", "other"))) == ["the password of lab"]
    assert fresh.read()["users"]["lab"]["Password"] == "other"
    (refused,) = told(
        enable(fresh, "-SetPassword -Password (New-Object Security.SecureString)", code=1, typed=("x",)), "not done"
    )
    assert "empty" in refused


def test_a_certificate_that_names_more_than_is_needed_is_kept(fresh: HostState, enable: Any) -> None:
    """A VPN that is switched off takes its address away: nobody has to trust anything anew for that."""
    add_network(fresh, 32, "VPN", "10.8.0.7", physical=False)
    first = enable(fresh)
    with fresh.change() as state:
        state["addresses"] = [one for one in state["addresses"] if one["adapter"] != "VPN"]
    again = enable(fresh)
    assert changed(again) == []
    assert "10.8.0.7" in again[-2]
    assert again[-2:] == first[-2:]


def test_powershell_7_is_refused_before_anything_is_done(pwsh: Path) -> None:
    command = [str(pwsh), "-NoProfile", "-NonInteractive", "-Command", f"& '{POWERSHELL / 'Enable-LabHost.ps1'}'"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1
    assert "Desktop" in done.stderr


@pytest.mark.parametrize(
    ("feature", "hypervisor", "is_told"),
    [("Enabled", False, True), ("Enabled", True, False), ("EnablePending", False, False)],
)
def test_a_hypervisor_that_does_not_run_is_told_at_the_end(
    pc: HostState, enable: Any, feature: str, hypervisor: bool, is_told: bool
) -> None:
    with pc.change() as state:
        state["features"] = dict.fromkeys(state["features"], feature)
        state["hypervisor"] = hypervisor
    missing = "".join(told(enable(pc, "-WhatIf", code=int(is_told)), "not done"))
    assert ("Hyper-V is installed and its hypervisor does not run" in missing) is is_told
    assert ("bcdedit /set hypervisorlaunchtype auto" in missing) is is_told
