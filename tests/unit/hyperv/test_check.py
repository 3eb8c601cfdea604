"""Every rule of hyperv.check: what it finds, and that suitable hosts pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.hyperv.check import check, problems
from labkit.hyperv.reading import host_facts
from labkit.lab import Lab
from labkit.session import Session

Answer = dict[str, Any]


def found(lab: Lab, pcs: Any) -> list[str]:
    facts = {name: host_facts(name, lab.name, answer) for name, answer in pcs.answers.items()}
    return [f"{finding} -> {finding.fix}" for finding in problems(lab, facts)]


def test_suitable_hosts_pass_with_and_without_machines(lab: Lab, pcs: Any, bare_pcs: Any) -> None:
    assert found(lab, pcs) == []
    assert found(lab, bare_pcs) == []


def switch(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["switches"][0].update(values)


def adapter(**values: Any) -> Callable[[Answer], None]:
    return lambda answer: answer["adapters"][0].update(values)


def foreign(**values: Any) -> Callable[[Answer], None]:
    row = {
        "id": "f", "name": "other", "state": "Running", "notes": "", "path": "D:\\x", "generation": 1,
        "memory_bytes": 2**30, "uptime_s": 9, "macs": ["00155D010203"], "detail": None,
    }  # fmt: skip
    return lambda answer: answer["vms"].append({**row, **values})


DENIED = {"message": "거부", "id": "AccessDenied,X", "category": "PermissionDenied"}
CASES: list[Any] = [
    pytest.param(lambda a: a["host"].update(powershell="5.0.10586.1"), "PowerShell is 5.0", "5.1", id="PowerShell"),
    pytest.param(
        lambda a: a["switches"].clear(), "no virtual switch Lab", "-NetAdapterName 'Ethernet'", id="no switch"
    ),
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
    pytest.param(
        lambda a: a.update(service=""), "Hyper-V is not installed", "Enable-WindowsOptionalFeature", id="feature"
    ),
    pytest.param(lambda a: a.update(service="Stopped"), "(vmms) is Stopped", "Start-Service vmms", id="service"),
    pytest.param(lambda a: a.update(refusal=DENIED), "AccessDenied,X", "Administrators", id="rights"),
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


def test_a_mac_on_the_other_host_clashes_too(lab: Lab, bare_pcs: Any) -> None:
    foreign(macs=["027E57010002"])(bare_pcs.answers["pc2"])  # cp1's, which is described on pc1
    assert found(lab, bare_pcs)[0].startswith("host pc2: VM other has the MAC 027E57010002")


def test_a_host_whose_service_is_down_is_asked_nothing_else(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc1"].update(service="Stopped", switches=[], templates=[], vms=[])
    assert len(found(lab, bare_pcs)) == 1


def test_the_dvd_is_needed_only_without_an_install_tree(lab: Lab, bare_pcs: Any) -> None:
    bare_pcs.answers["pc1"]["iso"] = False
    assert found(lab, bare_pcs) == []  # this lab names rocky.tree_url


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
    assert "hint: as administrator there" in str(caught.value)
