"""Network adapters: those of VMs, and the PC's own on its switches."""

from __future__ import annotations

import re

from rehearsal.hosts import outage, wiring
from rehearsal.hosts.pc import disks, machines, refusals
from rehearsal.hosts.state import HostState, Json

HIGHEST_VLAN = 4094
PORT = disks.DEVICES["adapters"]
NONE_FOUND = "No network adapter was found with the given criteria."


def mac(cmdlet: str, given: str) -> str:
    """Return a MAC as Hyper-V stores it; refused unless it is six hex pairs and unicast."""
    if not re.fullmatch(r"([0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}", given):
        message = 'The parameter "StaticMacAddress" is not in the correct format.'
        raise refusals.parameter(cmdlet, message)
    plain = re.sub("[:-]", "", given).upper()
    if int(plain[:2], 16) % 2:
        raise refusals.failed(cmdlet, f"Failed to modify device '{PORT}'.")
    return plain


def find(pc: HostState, vm_id: str, name: str, cmdlet: str) -> list[Json]:
    """Return a VM's adapters whose name fits ('' fits all); a plain name that none has is refused."""
    vm = machines.get(pc, vm_id, cmdlet)
    found = [one for one in vm["adapters"] if not name or machines.matches(name, one["name"])]
    if not found and name and not machines.is_pattern(name):
        raise refusals.not_found(cmdlet, NONE_FOUND)
    return found


def add(
    pc: HostState, vm_id: str, name: str, address: str, switch: str | None = None, *, dynamic: bool = False
) -> Json:
    """`Add-VMNetworkAdapter`: with a MAC of its own, '' for one that Hyper-V chooses."""
    if dynamic and address:
        raise refusals.parameter(
            "AddVMNetworkAdapter",
            "The parameters 'StaticMacAddress' and 'DynamicMacAddress' are mutually exclusive. Specify only one or the "
            "other.",
        )
    own = mac("AddVMNetworkAdapter", address) if address else None
    fresh = machines.fresh_adapter(vm_id, name, own, switch)
    with machines.changing(pc, vm_id, "AddVMNetworkAdapter") as vm:
        if vm["state"] == "Saved":
            raise refusals.device_in_use("AddVMNetworkAdapter", vm["name"], vm_id, PORT)
        vm["adapters"].append(fresh)
        vm["boot_order"].append({"type": "network", "id": fresh["id"]})
    return fresh


def set_mac(pc: HostState, vm_id: str, adapter_id: str, address: str, *, dynamic: bool = False) -> None:
    """`Set-VMNetworkAdapter -StaticMacAddress`, or with '' -DynamicMacAddress: only while the VM is off."""
    plain = mac("SetVMNetworkAdapter", address) if address else machines.NO_MAC
    vm = machines.get(pc, vm_id, "SetVMNetworkAdapter")
    if vm["state"] != "Off":
        raise refusals.device_in_use("SetVMNetworkAdapter", vm["name"], vm_id, PORT)
    set_adapter(pc, vm_id, adapter_id, mac=plain, dynamic_mac=dynamic)


def set_vlan(pc: HostState, vm_id: str, adapter_id: str, vlan: int | None) -> None:
    """`Set-VMNetworkAdapterVlan`: access to one VLAN, or untagged (None)."""
    _check_vlan(vlan)
    set_adapter(pc, vm_id, adapter_id, "SetVMNetworkAdapterVlan", vlan=vlan)


def set_adapter(
    pc: HostState, vm_id: str, adapter_id: str, cmdlet: str = "SetVMNetworkAdapter", **properties: object
) -> None:
    """Set what can be changed in any state: name, switch, guards."""
    disks.change(pc, vm_id, "adapters", adapter_id, cmdlet, **properties)


def own(pc: HostState, cmdlet: str = "GetVMNetworkAdapter", computer: str = "localhost") -> list[Json]:
    """Return the PC's adapters on switches that it shares: one named as each switch, and those added.

    `device` is the id by which Windows' own network knows each.
    """
    state = machines.require_service(pc, cmdlet, computer)
    shared = [
        {"name": one["name"], "switch": one["name"], "vlan": one.get("management_vlan")}
        for one in state["switches"]
        if one["allow_management_os"]
    ]
    found = [*shared, *state.get("management_adapters", [])]
    return [{**one, "device": (wiring.adapter_of(state, one["name"]) or {}).get("guid", "")} for one in found]


def add_own(pc: HostState, name: str, switch: str) -> None:
    """`Add-VMNetworkAdapter -ManagementOS`."""
    machines.require_service(pc, "AddVMNetworkAdapter")
    with outage.change(pc) as state:
        wiring.add_management(state, name, later=True)
        state.setdefault("management_adapters", []).append({"name": name, "switch": switch, "vlan": None})


def remove_own(pc: HostState, name: str) -> None:
    """`Remove-VMNetworkAdapter -ManagementOS`."""
    machines.require_service(pc, "RemoveVMNetworkAdapter")
    with outage.change(pc) as state:
        for one in _added(state, name, "RemoveVMNetworkAdapter"):
            wiring.remove_management(state, one["name"])
            state["management_adapters"].remove(one)


def set_own_vlan(pc: HostState, name: str, vlan: int | None) -> None:
    """`Set-VMNetworkAdapterVlan -ManagementOS`."""
    machines.require_service(pc, "SetVMNetworkAdapterVlan")
    _check_vlan(vlan)
    with outage.change(pc) as state:
        _added(state, name, "SetVMNetworkAdapterVlan")[0]["vlan"] = vlan


def _added(state: Json, name: str, cmdlet: str) -> list[Json]:
    found = [one for one in state.get("management_adapters", []) if machines.matches(name, one["name"])]
    if not found:
        raise refusals.not_found(cmdlet, NONE_FOUND)
    return found


def _check_vlan(vlan: int | None) -> None:
    if vlan is not None and not 1 <= vlan <= HIGHEST_VLAN:
        message = f"The VLAN ID must be between 1 and {HIGHEST_VLAN}."
        raise refusals.parameter("SetVMNetworkAdapterVlan", message)
