"""What each cmdlet asks of the model: the object that it acts on, and the parameters by their names on Windows.

A VM comes as its id, a device as {"vm", "kind", "id"}, a checkpoint as {"vm", "id"}. What no parameter says is the
default of the function that is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.hosts import lan, outage
from rehearsal.hosts.pc import (
    adapters,
    checkpoints,
    disks,
    firmware,
    machines,
    network,
    power,
    records,
    refusals,
    resources,
    screen,
    switches,
    tasks,
)
from rehearsal.hosts.state import HostState, Json

# The parameters of Set-VM, Set-VMProcessor and Set-VMNetworkAdapter that become properties as they are.
MACHINE = {
    "AutomaticStartAction": "start_action", "AutomaticStopAction": "stop_action", "Notes": "notes", "NewVMName": "name",
    "AutomaticStartDelay": "start_delay_s", "AutomaticCheckpointsEnabled": "automatic_checkpoints",
    "CheckpointType": "checkpoint_type",
}  # fmt: skip
PROCESSOR = {"CompatibilityForMigrationEnabled": "processor_compatibility", "ExposeVirtualizationExtensions": "nested"}
ADAPTER = {"MacAddressSpoofing": "mac_spoofing", "DhcpGuard": "dhcp_guard", "RouterGuard": "router_guard"}


def _renamed(given: Json, names: dict[str, str]) -> Json:
    return {key: given[name] for name, key in names.items() if name in given}


def _computer(given: Json) -> str:
    """The PC as a cmdlet of switches names it; '' where it is left to find its own name."""
    return str(next(iter(given.get("ComputerName", [])), ""))


def _ids(items: list[Json]) -> list[str]:
    return [item["id"] for item in items]


def _get_vm(pc: HostState, _on: Any, given: Json) -> list[str]:
    if "Id" in given:
        return [machines.get(pc, given["Id"])["id"]]
    return _ids(machines.find(pc, given["Name"]) if given.get("Name") else machines.everyone(pc))


def _new_vm(pc: HostState, _on: Any, given: Json) -> str:
    name, memory = given.get("Name", "New Virtual Machine"), given.get("MemoryStartupBytes", machines.DEFAULT_MEMORY)
    generation, new_disk = int(given.get("Generation", 1)), given.get("NewVHDPath", "")
    resources.check_memory("NewVM", name, memory)
    machines.check_new(generation, given.get("BootDevice", ""), new_disk)
    switch = switches.named(pc, given["SwitchName"], "NewVM") if given.get("SwitchName") else None
    folder = disks.spelled(given.get("Path") or pc.read()["vm_path"])
    vm_id: str = machines.new(pc, name, folder, generation=generation, memory_bytes=memory, switch=switch)["id"]
    try:
        if new_disk:
            disks.new_disk(pc, disks.spelled(new_disk), given["NewVHDSizeBytes"])
        if new_disk or given.get("VHDPath"):
            disks.attach(pc, vm_id, "drives", disks.spelled(new_disk or given["VHDPath"]))
    except refusals.RefusedError:
        with outage.change(pc) as state:
            del state["vms"][vm_id]
        raise
    return vm_id


def _set_vm(pc: HostState, vm: str, given: Json) -> None:
    """Memory, processors, the rest, each on its own: a failure leaves the earlier ones."""
    resources.set_memory(
        pc,
        vm,
        dynamic=True if given.get("DynamicMemory") else False if given.get("StaticMemory") else None,
        startup=given.get("MemoryStartupBytes"),
        minimum=given.get("MemoryMinimumBytes"),
        maximum=given.get("MemoryMaximumBytes"),
    )
    if "ProcessorCount" in given:
        resources.set_processors(pc, vm, given["ProcessorCount"])
    machines.set_properties(pc, vm, **_renamed(given, MACHINE))


def _stop_vm(pc: HostState, vm: str, given: Json) -> str:
    if given.get("TurnOff") and given.get("Save"):
        raise refusals.parameter("StopVM", "The parameters TurnOff and Save cannot be specified together.")
    if given.get("Save"):
        return power.save(pc, vm)
    return power.turn_off(pc, vm) if given.get("TurnOff") else power.shut_down(pc, vm, force=given.get("Force", False))


def _set_memory(pc: HostState, vm: str, given: Json) -> None:
    resources.set_memory(
        pc,
        vm,
        dynamic=given.get("DynamicMemoryEnabled"),
        startup=given.get("StartupBytes"),
        minimum=given.get("MinimumBytes"),
        maximum=given.get("MaximumBytes"),
        cmdlet="SetVMMemory",
    )


def _set_processor(pc: HostState, vm: str, given: Json) -> None:
    resources.set_processors(pc, vm, given.get("Count"), "SetVMProcessor", **_renamed(given, PROCESSOR))


def _set_firmware(pc: HostState, vm: str, given: Json) -> None:
    firmware.set_firmware(
        pc,
        vm,
        secure_boot=given["EnableSecureBoot"] == "On" if "EnableSecureBoot" in given else None,
        template=given.get("SecureBootTemplate", ""),
        template_id=given.get("SecureBootTemplateId") or "",
        boot_order=given.get("BootOrder"),
        first=given.get("FirstBootDevice"),
    )


def _new_disk(pc: HostState, path: str, given: Json) -> Json:
    windows, kind = disks.spelled(path), "Fixed" if given.get("Fixed") else "Dynamic"
    block = given.get("BlockSizeBytes", disks.DEFAULT_BLOCK)
    disks.new_disk(pc, windows, given["SizeBytes"], block, kind)
    return _get_disk(pc, path, given)


def _get_disk(pc: HostState, path: str, _given: Json) -> Json:
    windows = disks.spelled(path)
    return {**disks.read_disk(pc, windows), "path": windows}


def _attach(kind: str) -> Callable[[HostState, str, Json], Json]:
    def attach(pc: HostState, vm: str, given: Json) -> Json:
        return disks.attach(
            pc,
            vm,
            kind,
            disks.spelled(given["Path"]) if given.get("Path") else None,
            bus=given.get("ControllerType", "SCSI"),
            controller=given.get("ControllerNumber", 0),
            location=given.get("ControllerLocation"),
        )

    return attach


def _insert(pc: HostState, on: Json, given: Json) -> None:
    disks.insert(pc, on["vm"], on["id"], disks.spelled(given["Path"]) if given.get("Path") else None)


def _detach(pc: HostState, on: Json, _given: Json) -> None:
    disks.remove(pc, on["vm"], on["id"], on["kind"], "")


def _restore(pc: HostState, on: Json | None, given: Json) -> None:
    if on is None:
        vms = [given["VM"]] if "VM" in given else _ids(machines.find(pc, given["VMName"], ""))
        found = [{"vm": vm, "id": one["id"]} for vm in vms for one in checkpoints.find(pc, vm, given["Name"])]
        if len(found) > 1:
            raise refusals.parameter("", "More than one snapshot was found matching the given criteria.")
        on = found[0]
    checkpoints.restore(pc, on["vm"], on["id"])


def _get_adapters(pc: HostState, vm: str | None, given: Json) -> list[Any]:
    name = given.get("Name", "")
    if vm is None:
        own = adapters.own(pc, computer=_computer(given))
        wanted = [one for one in own if one["switch"] == given.get("SwitchName", one["switch"])]
        return [one for one in wanted if not name or machines.matches(name, one["name"])]
    return _ids(adapters.find(pc, vm, name, "GetVMNetworkAdapter"))


def _add_adapter(pc: HostState, vm: str | None, given: Json) -> Json | None:
    name, switch = given.get("Name", "Network Adapter"), given.get("SwitchName")
    lan_of = switches.named(pc, switch or "", "AddVMNetworkAdapter") if switch or vm is None else None
    if vm is None:
        adapters.add_own(pc, name, str(lan_of))
        return None
    address, dynamic = given.get("StaticMacAddress", ""), given.get("DynamicMacAddress", False)
    return adapters.add(pc, vm, name, address, lan_of, dynamic=dynamic)


def _set_adapter(pc: HostState, on: Json, given: Json) -> None:
    """The MAC first, then the guards: a refused MAC leaves the guards alone."""
    address, dynamic = given.get("StaticMacAddress", ""), given.get("DynamicMacAddress", False)
    if address or dynamic:
        adapters.set_mac(pc, on["vm"], on["id"], address, dynamic=dynamic)
    guards = {key: value == "On" for key, value in _renamed(given, ADAPTER).items()}
    adapters.set_adapter(pc, on["vm"], on["id"], **guards)


def _remove_adapter(pc: HostState, on: Json | None, given: Json) -> None:
    if on is None:
        adapters.remove_own(pc, given["Name"])
    else:
        _detach(pc, on, given)


def _rename_adapter(pc: HostState, on: Json, given: Json) -> None:
    adapters.set_adapter(pc, on["vm"], on["id"], name=given["NewName"])


def _connect(pc: HostState, on: Json, given: Json) -> None:
    name = given["VMSwitch"]["name"] if "VMSwitch" in given else given["SwitchName"]
    adapters.set_adapter(pc, on["vm"], on["id"], switch=switches.named(pc, name, "ConnectVMNetworkAdapter"))


def _disconnect(pc: HostState, on: Json, _given: Json) -> None:
    adapters.set_adapter(pc, on["vm"], on["id"], switch=None)


def _set_vlan(pc: HostState, on: Json | None, given: Json) -> None:
    is_access = given.get("Access", False)
    if is_access == given.get("Untagged", False):
        raise refusals.parameter("SetVMNetworkAdapterVlan", "Specify exactly one VLAN mode.")
    vlan = given.get("VlanId", 0) if is_access else None
    if on is None:
        adapters.set_own_vlan(pc, given["VMNetworkAdapterName"], vlan)
    else:
        adapters.set_vlan(pc, on["vm"], on["id"], vlan)


def _get_switch(pc: HostState, _on: Any, given: Json) -> list[Json]:
    found = switches.find(pc, given.get("Name", ""), computer=_computer(given))
    return [
        one
        for one in found
        if one["id"] in given.get("Id", [one["id"]]) and one["type"] in given.get("SwitchType", [one["type"]])
    ]


def _new_switch(pc: HostState, _on: Any, given: Json) -> Json:
    adapter = next(iter(given.get("NetAdapterName", [])), None)
    notes, computer = given.get("Notes") or "", _computer(given)
    return switches.new(pc, given["Name"], given.get("SwitchType", "External"), notes, adapter, computer)


def _exists(pc: HostState, vm: str | None, _given: Json) -> None:
    """What a cmdlet that only reads asks: whether Hyper-V answers, and has that VM."""
    if vm is None:
        machines.require_service(pc, "")
    else:
        machines.get(pc, vm, "")


def _ping(pc: HostState, _on: Any, given: Json) -> bool:
    return lan.answers(pc, given["address"], given["size"], given["timeout_ms"])


def _new_rule(pc: HostState, _on: Any, given: Json) -> None:
    network.new_rule(pc, given["Name"], **{name: given[name] for name in network.RULE if name in given})


def _no_such(_pc: HostState, kind: str, given: Json) -> None:
    raise network.no_such("", kind, given["property"], given["value"])


# What these give out are parts of a VM, or of the PC, that are read from the state.
VIEWS = (
    "Get-VMDvdDrive", "Get-VMHardDiskDrive", "Get-VMHost", "Get-VMIntegrationService", "Get-VMMemory",
    "Get-VMNetworkAdapterVlan", "Get-VMProcessor",
)  # fmt: skip
CMDLETS: dict[str, Callable[[HostState, Any, Json], Any]] = {
    **dict.fromkeys(VIEWS, _exists),
    "Get-VM": _get_vm,
    "New-VM": _new_vm,
    "Set-VM": _set_vm,
    "Remove-VM": lambda pc, vm, given: machines.remove(pc, vm, force=given.get("Force", False)),
    "Start-VM": lambda pc, vm, _: power.start(pc, vm),
    "Stop-VM": _stop_vm,
    "Set-VMMemory": _set_memory,
    "Set-VMProcessor": _set_processor,
    "Get-VMFirmware": lambda pc, vm, _: firmware.require_generation_2(machines.get(pc, vm, ""), ""),
    "Set-VMFirmware": _set_firmware,
    "New-VHD": _new_disk,
    "Get-VHD": _get_disk,
    "Add-VMHardDiskDrive": _attach("drives"),
    "Remove-VMHardDiskDrive": _detach,
    "Add-VMDvdDrive": _attach("dvds"),
    "Set-VMDvdDrive": _insert,
    "Remove-VMDvdDrive": _detach,
    "Checkpoint-VM": lambda pc, vm, given: checkpoints.take(pc, vm, given.get("SnapshotName", "")),
    "Get-VMSnapshot": lambda pc, vm, given: _ids(checkpoints.find(pc, vm, given.get("Name", ""))),
    "Restore-VMSnapshot": _restore,
    "Remove-VMSnapshot": lambda pc, on, _: checkpoints.forget(pc, on["vm"], on["id"]),
    "Get-VMNetworkAdapter": _get_adapters,
    "Add-VMNetworkAdapter": _add_adapter,
    "Set-VMNetworkAdapter": _set_adapter,
    "Remove-VMNetworkAdapter": _remove_adapter,
    "Rename-VMNetworkAdapter": _rename_adapter,
    "Connect-VMNetworkAdapter": _connect,
    "Disconnect-VMNetworkAdapter": _disconnect,
    "Set-VMNetworkAdapterVlan": _set_vlan,
    "Get-VMSwitch": _get_switch,
    "New-VMSwitch": _new_switch,
    "Set-VMSwitch": lambda pc, on, given: switches.set_rsc(pc, on["id"], given["EnableSoftwareRsc"]),
    "Remove-VMSwitch": lambda pc, on, given: switches.remove(pc, on["id"], force=given.get("Force", False)),
    "New-NetIPAddress": lambda pc, _, g: network.new_address(
        pc, g["InterfaceIndex"], g["IPAddress"], g.get("PrefixLength", 0)
    ),
    "New-NetRoute": lambda pc, _, g: network.new_route(pc, g["InterfaceIndex"], g["DestinationPrefix"], g["NextHop"]),
    "Set-NetIPInterface": lambda pc, index, g: network.set_dhcp(pc, index, g["Dhcp"]),
    "Set-DnsClientServerAddress": lambda pc, index, g: network.set_servers(pc, index, g["ServerAddresses"]),
    "Set-NetConnectionProfile": lambda pc, index, g: network.set_category(pc, index, g["NetworkCategory"]),
    "New-NetNat": lambda pc, _, g: network.new_nat(pc, g["Name"], g["InternalIPInterfaceAddressPrefix"]),
    "Remove-NetNat": lambda pc, name, _: network.remove_nat(pc, name),
    "New-NetFirewallRule": _new_rule,
    "Get-NetFirewallRule": lambda pc, _, given: network.rules(pc),
    "Remove-NetFirewallRule": lambda pc, name, _: network.remove_rule(pc, name),
    "Register-ScheduledTask": lambda pc, _, g: tasks.register(
        pc, g["TaskName"], g["Execute"], g["Argument"], g["UserId"], at_startup=g["AtStartup"]
    ),
    "Start-ScheduledTask": lambda pc, _, g: tasks.start(pc, g["TaskName"]),
    "Unregister-ScheduledTask": lambda pc, name, _: tasks.unregister(pc, name),
    "Remove-Item": lambda pc, path, _: disks.before_delete(pc, path),
    # Not cmdlets themselves, but what several of them need.
    "find": lambda pc, name, _: _ids(machines.find(pc, name, "")),
    "no such": _no_such,
    "thumbnail": lambda pc, target, given: screen.thumbnail(pc, target, given["width"], given["height"]),
    "free memory": lambda pc, _, given: max(0, power.free_memory(pc.read())),
    "neighbors": lambda pc, _, given: lan.neighbors(pc.read()),
    "ping": _ping,
    "registered rules": lambda pc, _, given: network.registered_rules(pc),
    "put record": lambda pc, on, given: records.put(pc, on["list"], on["key"], given),
    "remove record": lambda pc, on, _: records.remove(pc, on["list"], on["key"]),
    "set value": lambda pc, on, given: records.set_value(pc, on, given),
}
