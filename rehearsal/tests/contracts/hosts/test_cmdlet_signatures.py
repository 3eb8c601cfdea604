"""No stand-in cmdlet and no parameter that Windows does not document, with its type, sets, and mandatory flags."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rehearsal.hosts.state import HostState
from rehearsal.tests.contracts.hosts.conftest import Ask

pytestmark = pytest.mark.powershell

# Where a parameter set of ours is named differently although Windows documents none: a cmdlet with one set only.
ONE_SET = "__AllParameterSets"
UNLISTED = {("Set-VMSwitch", "EnableSoftwareRsc")}  # Microsoft tells it beside the cmdlet's own page, under RSC

DESCRIBE = r"""
Get-Command -Module WindowsStandIn -Name '*-*' | ForEach-Object -Process {
    $common = [System.Management.Automation.Cmdlet]::CommonParameters + 'WhatIf' + 'Confirm' + 'ProgressAction'
    $mine = @($_.Parameters.Values | Where-Object -FilterScript { $common -notcontains $_.Name })
    @{  name = $_.Name; default_set = $_.DefaultParameterSet; should_process = $_.Parameters.ContainsKey('WhatIf')
        parameters = @($mine | ForEach-Object -Process {
            $type = $_.ParameterType
            $plain = [System.Nullable]::GetUnderlyingType($type)
            $sets = @{}
            foreach ($set in $_.ParameterSets.Keys) {
                $here = $_.ParameterSets[$set]
                $sets[$set] = @{ mandatory = $here.IsMandatory; position = $here.Position
                    pipeline = @(if ($here.ValueFromPipelineByPropertyName) { 'ByPropertyName' }
                        if ($here.ValueFromPipeline) { 'ByValue' }) -join ',' }
            }
            @{ name = $_.Name; aliases = @($_.Aliases); sets = $sets
                type = if ($plain) { $plain.Name } else { $type.Name } }
        }) }
}
"""


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """Windows' documented signatures, from LAB_WINDOWS_CMDLETS or from beside the PowerShell tools."""
    beside = Path(os.environ.get("LAB_PSLINT", "/nonexistent/pslint")).parent.parent / "reference/windows-cmdlets.json"
    path = Path(os.environ.get("LAB_WINDOWS_CMDLETS", beside))
    if not path.is_file():
        pytest.skip("no windows-cmdlets.json: neither LAB_WINDOWS_CMDLETS nor beside LAB_PSLINT")
    cmdlets: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["cmdlets"]
    return cmdlets


@pytest.fixture(scope="module")
def exported(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the stand-in module exports, as PowerShell sees it."""
    return {one["name"]: one for one in ask(HostState(tmp_path_factory.mktemp("pc"), "pc1"), DESCRIBE)}


def every_parameter(exported: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    told = [(name, parameter) for name, one in exported.items() for parameter in one["parameters"]]
    return [(name, parameter) for name, parameter in told if (name, parameter["name"]) not in UNLISTED]


def test_the_module_exports_what_the_scripts_use(exported: dict[str, Any]) -> None:
    needed = {"Get-VM", "New-VM", "Set-VMFirmware", "New-VHD", "Get-NetAdapter", "Get-CimInstance", "Get-Service"}
    assert needed <= set(exported)


def test_every_cmdlet_is_documented(exported: dict[str, Any], documented: dict[str, Any]) -> None:
    assert set(exported) - set(documented) == set()


def test_every_parameter_is_documented_with_its_type(exported: dict[str, Any], documented: dict[str, Any]) -> None:
    wrong = []
    for name, parameter in every_parameter(exported):
        real = documented[name]["params"].get(parameter["name"])
        if real is None or real["type"] != parameter["type"]:
            wrong.append(f"{name} -{parameter['name']} <{parameter['type']}>: documented {real and real['type']}")
    assert wrong == []


def test_aliases_are_the_documented_ones(exported: dict[str, Any], documented: dict[str, Any]) -> None:
    wrong = [
        f"{name} -{parameter['name']}: {parameter['aliases']}"
        for name, parameter in every_parameter(exported)
        if set(parameter["aliases"]) != set(documented[name]["params"][parameter["name"]].get("aliases", []))
    ]
    assert wrong == []


def test_parameters_stand_in_documented_sets_and_are_mandatory_there_as_documented(
    exported: dict[str, Any], documented: dict[str, Any]
) -> None:
    wrong = []
    for name, parameter in every_parameter(exported):
        real_sets = documented[name]["sets"]
        for set_name, ours in parameter["sets"].items():
            if set_name == ONE_SET:
                real = list(real_sets.values())
                mandatory = all(parameter["name"] in one.get("mandatory", []) for one in real)
            else:
                one = real_sets.get(set_name)
                if one is None or parameter["name"] not in one["params"]:
                    wrong.append(f"{name} -{parameter['name']}: not in a documented set {set_name!r}")
                    continue
                mandatory = parameter["name"] in one.get("mandatory", [])
            if ours["mandatory"] != mandatory:
                wrong.append(f"{name} -{parameter['name']} in {set_name}: mandatory is {mandatory}")
    assert wrong == []


def test_positions_and_pipeline_input_are_the_documented_ones(
    exported: dict[str, Any], documented: dict[str, Any]
) -> None:
    wrong = []
    for name, parameter in every_parameter(exported):
        real = documented[name]["params"][parameter["name"]]
        for set_name, ours in parameter["sets"].items():
            if ours["pipeline"] != real.get("pipeline", ""):
                wrong.append(f"{name} -{parameter['name']} in {set_name}: pipeline {real.get('pipeline')}")
            if "position" in real and ours["position"] != real["position"]:
                wrong.append(f"{name} -{parameter['name']} in {set_name}: position {real['position']}")
    assert wrong == []


def test_default_sets_and_should_process_are_the_documented_ones(
    exported: dict[str, Any], documented: dict[str, Any]
) -> None:
    wrong = [
        name
        for name, one in exported.items()
        if (documented[name].get("default_set", one["default_set"]) or ONE_SET) != (one["default_set"] or ONE_SET)
        or documented[name].get("should_process", False) != one["should_process"]
    ]
    assert wrong == []


def test_every_optional_parameter_of_ours_is_one_that_windows_has_in_that_set(
    exported: dict[str, Any], documented: dict[str, Any]
) -> None:
    for name, parameter in every_parameter(exported):
        if ONE_SET in parameter["sets"]:
            sets = documented[name]["sets"].values()
            assert any(parameter["name"] in one["params"] for one in sets), f"{name} -{parameter['name']}"
