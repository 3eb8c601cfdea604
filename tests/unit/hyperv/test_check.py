"""Every rule of hyperv.check: what it finds, and that suitable hosts pass."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.hyperv.check import check, problems
from labkit.hyperv.reading import host_facts
from labkit.hyperv.room import has_v3
from labkit.session import Session
from tests.labs import delivered

Answer = dict[str, Any]
Change = Callable[[Answer], object]


def found(lab: Lab, pcs: Any) -> list[str]:
    now = datetime.now(UTC)
    facts = {name: host_facts(name, lab.name, answer, now) for name, answer in pcs.answers.items()}
    return [f"{finding} -> {finding.fix}" for finding in problems(lab, facts)]


def told(**values: Any) -> Change:
    return lambda answer: answer.update(values)


def host(**values: Any) -> Change:
    return lambda answer: answer["host"].update(values)


def switch(**values: Any) -> Change:
    return lambda answer: answer["switches"][0].update(values)


def adapter(**values: Any) -> Change:
    return lambda answer: answer["adapters"][0].update(values)


def readiness(**values: Any) -> Change:
    return lambda answer: answer["readiness"].update(values)


def foreign(**values: Any) -> Change:
    row = {
        "id": "f", "name": "other", "state": "Running", "notes": "", "path": "D:\\x", "generation": 1,
        "memory_bytes": 2**30, "assigned_bytes": 0, "uptime_s": 9, "macs": ["00155D010203"], "detail": None,
    }  # fmt: skip
    return lambda answer: answer["vms"].append({**row, **values})


def clock(seconds: float) -> Change:
    return host(time=(datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def neighbour(address: str, mac: str) -> Change:
    return lambda answer: answer["readiness"]["neighbours"].append({"address": address, "mac": mac})


def rule(**values: Any) -> Change:
    row = {"name": "WinRM for all", "opens": True, "public": True, "from": ["Any"]}
    return lambda answer: answer["readiness"]["rules"].append({**row, **values})


def tag(**values: Any) -> Change:
    row = {"vm": "f", "adapter": "Network Adapter", "switch": "Lab", "vlan": 3308}
    return lambda answer: answer["readiness"]["vlans"].append({**row, **values})


def both(*changes: Change) -> Change:
    return lambda answer: [change(answer) for change in changes]


def no_switch(*others: Change) -> Change:
    """Without the switch, an adapter is looked for that one can be made on."""
    return both(lambda answer: answer["switches"].clear(), *others)


def test_suitable_hosts_pass_with_and_without_machines(lab: Lab, pcs: Any, bare_pcs: Any) -> None:
    assert found(lab, pcs) == []
    assert found(lab, bare_pcs) == []


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_a_16_gb_pc_suits_the_lab_that_was_made_for_it(lab: Lab, pcs: Any, bare_pcs: Any) -> None:
    for one in (pcs, bare_pcs):
        one.answers["pc1"]["addresses"] = [{"index": 9, "address": str(lab.external.gateway)}]
        assert found(lab, one) == []


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda a: a["switches"].pop(0), "there is no virtual switch Lab Private"),
        (lambda a: a["switches"][1].update(type="External"), "switch Lab is External, not Internal"),
        (lambda a: a["addresses"].append({"index": 4, "address": "192.168.250.77"}), "behind its NAT is"),
        (host(memory_bytes=12 * 2**30), "they need 11.0 GB"),
    ],
)
def test_what_a_one_pc_lab_lacks_is_one_finding(lab: Lab, bare_pcs: Any, break_it: Change, says: str) -> None:
    break_it(bare_pcs.answers["pc1"])
    (finding,) = found(lab, bare_pcs)
    assert says in finding


STOPPED = told(service="Stopped", switches=[], templates=[], vms=[])
ARM = "ARMv8 (64-bit) Family 8 Model 1 Revision 201"
DENIED = {"message": "거부", "id": "AccessDenied,X", "category": "PermissionDenied"}
NAMELESS = {"message": "이름", "id": "InvalidParameter,X.GetVMHost", "category": "InvalidArgument"}
CASES: dict[str, tuple[Change, str, str]] = {
    "PowerShell": (host(powershell="5.0.10586.1"), "PowerShell is 5.0", "5.1"),
    "no switch": (no_switch(), "no virtual switch Lab", "inv hyperv.switch"),
    "two switches": (lambda a: a["switches"].append(a["switches"][0]), "2 switches are named Lab", "rename"),
    "Internal switch": (switch(type="Internal"), "Internal, not External", "lab.switch"),
    "switch on nothing": (switch(adapter_ids=["gone"]), "no physical adapter", "wired"),
    "switch on a virtual adapter": (adapter(hardware=False), "no physical adapter", "wired"),
    "switch on Wi-Fi": (adapter(type=71), "not Ethernet", "wired"),
    "cable out": (adapter(up=False), "has no link", "cable"),
    "template": (lambda a: a["templates"].pop(), "no Secure Boot template", "update"),
    "name taken": (foreign(name="LAB-7E57-w1"), "not this lab's", "Hyper-V Manager"),
    "MAC in a VM": (foreign(macs=["027E57010002"]), "VM other has the MAC 027E57010002", "lab.id"),
    "MAC in the PC": (adapter(mac="027E57030001"), "adapter Ethernet has the MAC", "lab.id"),
    "memory": (host(memory_bytes=8 * 2**30), "6.0 GB of memory", "memory_mb"),
    "memory of others": (foreign(memory_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs"),
    "disk space": (told(free_bytes=5 * 2**30), "5.0 GB are free", "vm_path"),
    "no drive": (told(free_bytes=None), "no drive for C:\\Lab", "vm_path"),
    "feature": (told(service=""), "Hyper-V is not installed", "Enable-LabHost.ps1"),
    "service down, so nothing else is told": (STOPPED, "(vmms) is Stopped", "Start-Service vmms"),
    "uplink taken": (switch(name="Office"), "carries switch Office already", "lab.switch: Office"),
    "driver's VLAN": (adapter(vlan=7), "puts VLAN 7 on everything", "-VlanID 0"),
    "sleep": (readiness(sleep_s=1800), "sleeps after 30 idle minutes", "powercfg"),
    "clock behind": (clock(-3600), "behind this controller's", "Start-Service w32time; w32tm"),
    "clock ahead": (clock(3600), " s ahead of this controller's", "Start-Service w32time; w32tm"),
    "address in use": (
        neighbour("192.0.2.101", "A0B1C2D3E4F6"),
        "192.0.2.101 is in use on the LAN (A0B1C2D3E4F6)",
        "external.first_address",
    ),
    "MAC on the LAN": (neighbour("192.0.2.77", "027E57030001"), "the device at 192.0.2.77 has the MAC", "lab.id"),
    "address of the PC": (
        lambda a: a["addresses"].append({"index": 9, "address": "192.0.2.100"}),
        "(the PC pc1 itself)",
        "external.first_address",
    ),
    "rights": (told(refusal=DENIED), "AccessDenied,X", "Administrators"),
    "its own name leads nowhere": (told(refusal=NAMELESS), "by its own name", "hosts"),
    "half-installed": (
        told(refusal={**DENIED, "id": "CommandNotFoundException"}),
        "Hyper-V's PowerShell module is not installed",
        "Enable-LabHost.ps1",
    ),
    "filtered rights": (
        both(told(refusal=DENIED), readiness(full_rights=False)),
        "no full rights over the network",
        "LocalAccountTokenFilterPolicy",
    ),
    "restart pending": (
        told(service="", feature="EnablePending"),
        "begins to work with the next restart",
        "restart that PC",
    ),
    "edition": (told(service="", feature=""), "edition of Windows has no Hyper-V", "Pro, Enterprise"),
    "hypervisor": (
        host(hypervisor=False),
        "Hyper-V is installed and its hypervisor does not run",
        "switch on virtualisation in the firmware; `bcdedit /set hypervisorlaunchtype auto`; restart",
    ),
    "ARM64": (
        host(architecture=12, cpu_id=ARM),
        "its processor is ARM64: an x86-64 Rocky cannot run there",
        "lab.hosts",
    ),
    "open firewall": (rule(), "WinRM for all opens WinRM to everybody", "-RemoteAddress LocalSubnet"),
    "Wi-Fi": (no_switch(adapter(type=71, index=9)), "Ethernet, its way to the LAN, is not Ethernet", "cable"),
    "uplink without link": (no_switch(adapter(up=False, index=9)), "has no link", "cable"),
    "only Wi-Fi": (no_switch(adapter(type=71)), "cannot be told", "an Ethernet adapter is needed"),
    "no uplink up": (no_switch(adapter(up=False)), "cannot be told", "hosts.pc1.uplink: Ethernet"),
    "bridged uplink": (no_switch(readiness(bridged=["Ethernet"])), "member of a network bridge", "ncpa.cpl"),
    "memory that grew": (foreign(assigned_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs"),
    "paused VM": (foreign(state="Paused", memory_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs"),
    "VLAN of a VM": (both(foreign(), tag()), "VM other is in VLAN 3308", "networks.mgmt.vlan"),
    "VLAN of the PC": (tag(vm="", adapter="Lab"), "the PC itself is in VLAN 3308", "networks.mgmt.vlan"),
}


@pytest.mark.parametrize(("break_it", "says", "fix"), CASES.values(), ids=CASES)
def test_each_rule_finds_its_failure_and_nothing_else(
    lab: Lab, bare_pcs: Any, break_it: Change, says: str, fix: str
) -> None:
    break_it(bare_pcs.answers["pc1"])
    findings = found(lab, bare_pcs)
    assert len(findings) == 1, findings
    assert findings[0].startswith("host pc1: ")
    assert says in findings[0].partition(" -> ")[0]
    assert fix in findings[0].partition(" -> ")[2]


def test_a_pc_that_is_described_by_name_is_judged_by_the_address_behind_it(
    lab: Lab, bare_pcs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved(name: str, *_: Any, **__: Any) -> list[Any]:
        assert name == "PC1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.11", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    named = replace(lab, hosts=(replace(lab.hosts[0], address="PC1"), *lab.hosts[1:]))
    readiness(profiles=[{"index": 9, "category": "Public"}])(bare_pcs.answers["pc1"])
    assert "takes the network of PC1 for a public one" in str(found(named, bare_pcs))
    no_switch(adapter(type=71, index=9))(bare_pcs.answers["pc1"])
    assert "Ethernet, its way to the LAN, is not Ethernet" in str(found(named, bare_pcs))


HARMLESS: dict[str, Change] = {
    "a rule for private networks": rule(public=False),
    "a rule that is off": rule(opens=False),
    "another adapter's public network": readiness(profiles=[{"index": 30, "category": "Public"}]),
    "what cannot be told": readiness(full_rights=None, sleep_s=None, profiles=[], rules=[]),
    "the same VLAN on another switch": both(foreign(), tag(switch="Other")),
    "another VLAN on the same switch": both(foreign(), tag(vlan=5)),
    "a saved VM's memory": foreign(state="Saved", memory_bytes=6 * 2**30),
    "a bridge of other adapters": readiness(bridged=["Wi-Fi"]),
    "this lab's machines at their own addresses": both(
        *(neighbour(str(one.external.address), one.external.mac_digits) for one in delivered("rehearsal").machines)
    ),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_harms_nothing_is_no_finding(lab: Lab, bare_pcs: Any, change: Change) -> None:
    change(bare_pcs.answers["pc1"])
    assert found(lab, bare_pcs) == []


def test_an_uplink_that_is_named_and_not_there_is_told_with_those_that_are(lab: Lab, bare_pcs: Any) -> None:
    no_switch()(bare_pcs.answers["pc1"])
    named = replace(lab, hosts=(replace(lab.hosts[0], uplink="LAN"), *lab.hosts[1:]))
    (finding,) = found(named, bare_pcs)
    assert "no network adapter LAN" in finding
    assert "adapters there: Ethernet" in finding


def test_a_mac_on_the_other_host_clashes_too(lab: Lab, bare_pcs: Any) -> None:
    foreign(macs=["027E57010002"])(bare_pcs.answers["pc2"])  # cp1's, which is described on pc1
    assert found(lab, bare_pcs)[0].startswith("host pc2: VM other has the MAC 027E57010002")


def test_the_dvd_is_needed_until_the_bootstrap_server_is_made_and_always_without_an_install_tree(
    lab: Lab, pcs: Any, bare_pcs: Any
) -> None:
    for answering in (pcs, bare_pcs):
        answering.answers["pc1"]["iso"] = False
    (finding,) = found(lab, bare_pcs)
    assert "the bootstrap server is installed from it" in finding
    assert found(lab, pcs) == []  # this lab names rocky.tree_url
    from_dvd = replace(lab, rocky=lab.rocky.model_copy(update={"tree_url": None}))
    (finding,) = found(from_dvd, pcs)
    assert "machines are installed from it" in finding


def test_all_findings_and_silent_hosts_are_told_together(bare_pcs: Any, on: Callable[[Any], Session]) -> None:
    bare_pcs.answers["pc1"]["switches"].clear()
    bare_pcs.answers["pc1"]["templates"].clear()
    silent = UnreachableError("host pc2 is asleep")
    bare_pcs.replies["Get-LabHost"] = lambda host, _: silent if host == "pc2" else bare_pcs.answers[host]
    with pytest.raises(LabError) as caught:
        check(on(bare_pcs))
    for word in ("no virtual switch Lab", "no Secure Boot template", "host pc2 is asleep"):
        assert word in str(caught.value)


def test_memory_that_is_in_use_is_a_warning_told_once_and_stops_nothing(
    bare_pcs: Any, on: Callable[[Any], Session], capsys: pytest.CaptureFixture[str]
) -> None:
    bare_pcs.answers["pc1"]["host"]["free_memory_bytes"] = 6 * 2**30
    session = on(bare_pcs)
    check(session)
    check(session)
    assert capsys.readouterr().err.count("warning: host pc1: 6.0 GB of memory are free for machines now") == 1


def test_what_our_own_running_machines_hold_is_free_for_them(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc1"]["host"]["free_memory_bytes"] = 2**30
    for row in pcs.answers["pc1"]["vms"]:
        row.update(state="Running", assigned_bytes=row["memory_bytes"])
    assert found(lab, pcs) == []
    pcs.vm("w1").update(state="Off", assigned_bytes=0)
    (finding,) = found(lab, pcs)
    assert "8.0 GB of memory are free for machines now" in finding


def test_findings_alone_have_the_exit_code_of_a_refusal(bare_pcs: Any, on: Callable[[Any], Session]) -> None:
    bare_pcs.answers["pc1"]["switches"].clear()
    with pytest.raises(RefusedError) as caught:
        check(on(bare_pcs))
    assert caught.value.code == RefusedError.exit_code
    assert "hint: `inv hyperv.switch` makes it" in str(caught.value)


def test_a_switch_name_with_wildcards_is_refused(lab: Lab, bare_pcs: Any) -> None:
    pattern = replace(lab, switches=(replace(lab.switches[0], name="Lab*"),))
    assert "takes it for a pattern" in found(pattern, bare_pcs)[0]


@pytest.mark.parametrize(
    ("cpu_id", "brand", "v3"),
    [
        ("Intel64 Family 6 Model 158 Stepping 10", "Intel(R) Core(TM) i5-8500", True),
        ("Intel64 Family 6 Model 58 Stepping 9", "Intel(R) Core(TM) i5-3470", False),
        ("Intel64 Family 6 Model 60 Stepping 3", "Intel(R) Core(TM) i5-4590", True),
        ("Intel64 Family 6 Model 94 Stepping 3", "Intel(R) Pentium(R) CPU G4400", False),
        ("Intel64 Family 6 Model 156 Stepping 0", "Intel(R) Celeron(R) N5105", False),
        ("Intel64 Family 6 Model 165 Stepping 3", "Intel(R) Pentium(R) Gold G6400 CPU @ 4.00GHz", False),
        ("Intel64 Family 6 Model 151 Stepping 5", "Intel(R) Pentium(R) Gold G7400", True),
        ("Intel64 Family 6 Model 140 Stepping 1", "11th Gen Intel(R) Celeron(R) 6305 @ 1.80GHz", True),
        ("AMD64 Family 23 Model 113 Stepping 0", "AMD Ryzen 5 3600", True),
        ("AMD64 Family 21 Model 2 Stepping 0", "AMD FX(tm)-8350", False),
        (ARM, "Snapdragon(R) X Elite", None),
        ("EM64T Family 6 Model 23 Stepping 6", "Intel(R) Core(TM)2 Duo CPU E8400", False),
    ],
)
def test_a_processor_is_known_by_windows_identification(cpu_id: str, brand: str, v3: bool | None) -> None:
    assert has_v3(cpu_id, brand) is v3


def test_an_arm_processor_is_one_finding_whichever_release(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc1"]["host"].update(architecture=12, cpu_id=ARM)
    newer = replace(lab, rocky=lab.rocky.model_copy(update={"release": 10}))
    assert len(found(newer, bare_pcs)) == 1


def test_an_old_processor_keeps_rocky_10_off_and_not_rocky_9(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc1"]["host"].update(cpu_id="Intel64 Family 6 Model 58 Stepping 9")
    assert found(lab, bare_pcs) == []
    newer = replace(lab, rocky=lab.rocky.model_copy(update={"release": 10}))
    assert "x86-64-v3" in found(newer, bare_pcs)[0]
