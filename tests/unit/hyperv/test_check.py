"""Every rule of hyperv.check: what it finds, and that suitable hosts pass."""

from __future__ import annotations

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


def found(lab: Lab, pcs: Any) -> list[str]:
    now = datetime.now(UTC)
    facts = {name: host_facts(name, lab.name, answer, now) for name, answer in pcs.answers.items()}
    return [f"{finding} -> {finding.fix}" for finding in problems(lab, facts)]


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
        (lambda a: a["host"].update(memory_bytes=12 * 2**30), "they need 11.0 GB"),
    ],
)
def test_what_a_one_pc_lab_lacks_is_one_finding(
    lab: Lab, bare_pcs: Any, break_it: Callable[[Answer], None], says: str
) -> None:
    break_it(bare_pcs.answers["pc1"])
    (finding,) = found(lab, bare_pcs)
    assert says in finding


def switch(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["switches"][0].update(values)


def adapter(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["adapters"][0].update(values)


def foreign(**values: Any) -> Callable[[Answer], None]:
    row = {
        "id": "f", "name": "other", "state": "Running", "notes": "", "path": "D:\\x", "generation": 1,
        "memory_bytes": 2**30, "assigned_bytes": 0, "uptime_s": 9, "macs": ["00155D010203"], "detail": None,
    }  # fmt: skip
    return lambda answer: answer["vms"].append({**row, **values})


def clock(seconds: float) -> Callable[[Answer], None]:
    wrong = datetime.now(UTC) + timedelta(seconds=seconds)
    return lambda answer: answer["host"].update(time=wrong.strftime("%Y-%m-%dT%H:%M:%SZ"))


def readiness(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["readiness"].update(values)


def no_switch(*others: Callable[[Answer], None]) -> Callable[[Answer], None]:
    """Without the switch, an adapter is looked for that one can be made on."""

    def change(answer: Answer) -> None:
        answer["switches"].clear()
        for other in others:
            other(answer)

    return change


def rule(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["readiness"]["rules"].append(
        {"name": "WinRM for all", "opens": True, "public": True, "from": ["Any"], **values}
    )


def tag(**values: Any) -> Callable[[Answer], None]:
    row = {"vm": "f", "adapter": "Network Adapter", "switch": "Lab", "vlan": 3308}
    return lambda answer: answer["readiness"]["vlans"].append({**row, **values})


def both(*changes: Callable[[Answer], None]) -> Callable[[Answer], None]:
    def change_all(answer: Answer) -> None:
        for change in changes:
            change(answer)

    return change_all


ARM = "ARMv8 (64-bit) Family 8 Model 1 Revision 201"
DENIED = {"message": "거부", "id": "AccessDenied,X", "category": "PermissionDenied"}
NAMELESS = {"message": "이름", "id": "InvalidParameter,X.GetVMHost", "category": "InvalidArgument"}
CASES: list[Any] = [
    pytest.param(lambda a: a["host"].update(powershell="5.0.10586.1"), "PowerShell is 5.0", "5.1", id="PowerShell"),
    pytest.param(lambda a: a["switches"].clear(), "no virtual switch Lab", "inv hyperv.switch", id="no switch"),
    pytest.param(
        lambda a: a["switches"].append(a["switches"][0]), "2 switches are named Lab", "rename", id="two switches"
    ),
    pytest.param(switch(type="Internal"), "Internal, not External", "lab.switch", id="Internal switch"),
    pytest.param(switch(adapter_ids=["gone"]), "no physical adapter", "wired", id="switch on nothing"),
    pytest.param(adapter(hardware=False), "no physical adapter", "wired", id="switch on a virtual adapter"),
    pytest.param(adapter(type=71), "not Ethernet", "wired", id="switch on Wi-Fi"),
    pytest.param(adapter(up=False), "has no link", "cable", id="cable out"),
    pytest.param(lambda a: a["templates"].pop(), "no Secure Boot template", "update", id="template"),
    pytest.param(foreign(name="LAB-7E57-w1"), "not this lab's", "Hyper-V Manager", id="name taken"),
    pytest.param(foreign(macs=["027E57010002"]), "VM other has the MAC 027E57010002", "lab.id", id="MAC in a VM"),
    pytest.param(adapter(mac="027E57030001"), "adapter Ethernet has the MAC", "lab.id", id="MAC in the PC"),
    pytest.param(lambda a: a["host"].update(memory_bytes=8 * 2**30), "6.0 GB of memory", "memory_mb", id="memory"),
    pytest.param(foreign(memory_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs", id="memory of others"),
    pytest.param(lambda a: a.update(free_bytes=5 * 2**30), "5.0 GB are free", "vm_path", id="disk space"),
    pytest.param(lambda a: a.update(free_bytes=None), "no drive for C:\\Lab", "vm_path", id="no drive"),
    pytest.param(lambda a: a.update(service=""), "Hyper-V is not installed", "Enable-LabHost.ps1", id="feature"),
    pytest.param(lambda a: a.update(service="Stopped"), "(vmms) is Stopped", "Start-Service vmms", id="service"),
    pytest.param(
        lambda a: a["switches"][0].update(name="Office"),
        "carries switch Office already",
        "lab.switch: Office",
        id="uplink taken",
    ),
    pytest.param(adapter(vlan=7), "puts VLAN 7 on everything", "-VlanID 0", id="driver's VLAN"),
    pytest.param(readiness(sleep_s=1800), "sleeps after 30 idle minutes", "powercfg", id="sleep"),
    pytest.param(clock(-3600), "behind this controller's", "Start-Service w32time; w32tm", id="clock behind"),
    pytest.param(clock(3600), " s ahead of this controller's", "Start-Service w32time; w32tm", id="clock ahead"),
    pytest.param(
        lambda a: a["readiness"]["neighbours"].append({"address": "192.0.2.101", "mac": "A0B1C2D3E4F6"}),
        "192.0.2.101 is in use on the LAN (A0B1C2D3E4F6)",
        "external.first_address",
        id="address in use",
    ),
    pytest.param(
        lambda a: a["readiness"]["neighbours"].append({"address": "192.0.2.77", "mac": "027E57030001"}),
        "the device at 192.0.2.77 has the MAC",
        "lab.id",
        id="MAC on the LAN",
    ),
    pytest.param(
        lambda a: a["addresses"].append({"index": 9, "address": "192.0.2.100"}),
        "(the PC pc1 itself)",
        "external.first_address",
        id="address of the PC",
    ),
    pytest.param(lambda a: a.update(refusal=DENIED), "AccessDenied,X", "Administrators", id="rights"),
    pytest.param(lambda a: a.update(refusal=NAMELESS), "by its own name", "hosts", id="its own name leads nowhere"),
    pytest.param(
        both(lambda a: a.update(refusal=DENIED), readiness(full_rights=False)),
        "no full rights over the network",
        "LocalAccountTokenFilterPolicy",
        id="filtered rights",
    ),
    pytest.param(
        lambda a: a.update(service="", feature="EnablePending"),
        "begins to work with the next restart",
        "restart that PC",
        id="restart pending",
    ),
    pytest.param(
        lambda a: a.update(service="", feature=""), "edition of Windows has no Hyper-V", "Pro, Enterprise", id="edition"
    ),
    pytest.param(
        lambda a: a["host"].update(hypervisor=False),
        "Hyper-V is installed and its hypervisor does not run",
        "switch on virtualisation in the firmware; `bcdedit /set hypervisorlaunchtype auto`; restart",
        id="hypervisor",
    ),
    pytest.param(
        lambda a: a["host"].update(architecture=12, cpu_id=ARM),
        "its processor is ARM64: an x86-64 Rocky cannot run there",
        "lab.hosts",
        id="ARM64",
    ),
    pytest.param(
        readiness(profiles=[{"index": 9, "category": "Public"}]),
        "a public one",
        "-InterfaceIndex 9",
        id="public network",
    ),
    pytest.param(rule(), "WinRM for all opens WinRM to everybody", "-RemoteAddress LocalSubnet", id="open firewall"),
    pytest.param(
        no_switch(adapter(type=71, index=9)), "Ethernet, its way to the LAN, is not Ethernet", "cable", id="Wi-Fi"
    ),
    pytest.param(no_switch(adapter(up=False, index=9)), "has no link", "cable", id="uplink without link"),
    pytest.param(no_switch(adapter(type=71)), "cannot be told", "an Ethernet adapter is needed", id="only Wi-Fi"),
    pytest.param(no_switch(adapter(up=False)), "cannot be told", "hosts.pc1.uplink: Ethernet", id="no uplink up"),
    pytest.param(
        no_switch(readiness(bridged=["Ethernet"])), "member of a network bridge", "ncpa.cpl", id="bridged uplink"
    ),
    pytest.param(foreign(assigned_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs", id="memory that grew"),
    pytest.param(foreign(state="Paused", memory_bytes=6 * 2**30), "8.0 GB of memory", "stop other VMs", id="paused VM"),
    pytest.param(both(foreign(), tag()), "VM other is in VLAN 3308", "networks.mgmt.vlan", id="VLAN of a VM"),
    pytest.param(tag(vm="", adapter="Lab"), "the PC itself is in VLAN 3308", "networks.mgmt.vlan", id="VLAN of the PC"),
]


@pytest.mark.parametrize(("break_it", "says", "fix"), CASES)
def test_each_rule_finds_its_failure_and_nothing_else(
    lab: Lab, bare_pcs: Any, break_it: Callable[[Answer], None], says: str, fix: str
) -> None:
    break_it(bare_pcs.answers["pc1"])
    findings = found(lab, bare_pcs)
    assert len(findings) == 1, findings
    assert findings[0].startswith("host pc1: ")
    assert says in findings[0].partition(" -> ")[0]
    assert fix in findings[0].partition(" -> ")[2]


HARMLESS: list[Any] = [
    pytest.param(rule(public=False), id="a rule for private networks"),
    pytest.param(rule(opens=False), id="a rule that is off"),
    pytest.param(readiness(profiles=[{"index": 30, "category": "Public"}]), id="another adapter's public network"),
    pytest.param(readiness(full_rights=None, sleep_s=None, profiles=[], rules=[]), id="what cannot be told"),
    pytest.param(both(foreign(), tag(switch="Other")), id="the same VLAN on another switch"),
    pytest.param(both(foreign(), tag(vlan=5)), id="another VLAN on the same switch"),
    pytest.param(foreign(state="Saved", memory_bytes=6 * 2**30), id="a saved VM's memory"),
    pytest.param(readiness(bridged=["Wi-Fi"]), id="a bridge of other adapters"),
]


@pytest.mark.parametrize("change", HARMLESS)
def test_what_harms_nothing_is_no_finding(lab: Lab, bare_pcs: Any, change: Callable[[Answer], None]) -> None:
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


def test_a_host_whose_service_is_down_is_asked_nothing_else(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc1"].update(service="Stopped", switches=[], templates=[], vms=[])
    assert len(found(lab, bare_pcs)) == 1


def test_the_dvd_is_needed_until_the_bootstrap_server_is_made_where_an_install_tree_is_named(
    lab: Lab, pcs: Any, bare_pcs: Any
) -> None:
    for answering in (pcs, bare_pcs):
        answering.answers["pc1"]["iso"] = False
    (finding,) = found(lab, bare_pcs)
    assert "the bootstrap server is installed from it" in finding
    assert found(lab, pcs) == []  # this lab names rocky.tree_url


def test_without_an_install_tree_the_dvd_is_always_needed(lab: Lab, pcs: Any) -> None:
    pcs.answers["pc1"]["iso"] = False
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


def test_findings_alone_have_the_exit_code_of_a_refusal(bare_pcs: Any, on: Callable[[Any], Session]) -> None:
    bare_pcs.answers["pc1"]["switches"].clear()
    with pytest.raises(RefusedError) as caught:
        check(on(bare_pcs))
    assert caught.value.code == RefusedError.exit_code
    assert "hint: `inv hyperv.switch` makes it" in str(caught.value)


def test_machines_of_this_lab_may_answer_at_their_own_addresses(lab: Lab, bare_pcs: Any) -> None:
    rows = [{"address": str(one.external.address), "mac": one.external.mac_digits} for one in lab.machines]
    bare_pcs.answers["pc1"]["readiness"]["neighbours"] += rows
    assert found(lab, bare_pcs) == []


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
