"""Virtual switches: find, make, remove. What that does to the PC's own network is in wiring."""

from __future__ import annotations

from rehearsal.hosts import outage, wiring
from rehearsal.hosts.pc import machines, refusals
from rehearsal.hosts.state import HostState, Json

RSC_BUILD = 17763
FAILED = "Failed while adding virtual Ethernet switch connections.\n"


def find(pc: HostState, name: str = "", cmdlet: str = "GetVMSwitch", computer: str = "localhost") -> list[Json]:
    """Return the switches whose name fits ('' fits all); a plain name that none has is refused."""
    state = machines.require_service(pc, cmdlet, computer)
    found = [one for one in state["switches"] if not name or machines.matches(name, one["name"])]
    if not found and name and not machines.is_pattern(name):
        raise refusals.no_switch(cmdlet, name, target=name)
    return found


def named(pc: HostState, name: str, cmdlet: str) -> str:
    """Return the one switch's name as it is written on the PC; none and several are refused differently."""
    found = [
        one["name"] for one in machines.require_service(pc, cmdlet)["switches"] if machines.matches(name, one["name"])
    ]
    if len(found) > 1:
        message = "Sequence contains more than one element"
        raise refusals.hyperv(cmdlet, "InvalidOperation", "InvalidOperation", message)
    if not found:
        raise refusals.no_switch(cmdlet, name)
    return str(found[0])


def new(
    pc: HostState, name: str, kind: str, notes: str = "", adapter: str | None = None, computer: str = "localhost"
) -> Json:
    """`New-VMSwitch`: on `adapter` it is an External one, and takes over the adapter's place in the PC's network."""
    machines.require_service(pc, "NewVMSwitch", computer)
    _hesitate(pc, "NewVMSwitch")
    with outage.change(pc) as state:
        physical = _physical(state, adapter) if adapter is not None else None
        made = wiring.switch(name, "External" if physical else kind, notes, physical)
        state["switches"].append(made)
        if physical or kind == "Internal":
            wiring.add_management(state, name, physical, later=True)
    return made


def remove(pc: HostState, switch_id: str, *, force: bool = True) -> None:
    """`Remove-VMSwitch`: not while a VM is on it; without -Force it asks."""
    name = next(one["name"] for one in find(pc, cmdlet="RemoveVMSwitch") if one["id"] == switch_id)
    if not force:
        raise refusals.QuestionError("RemoveVMSwitch", f'Remove virtual switch "{name}"?')
    _hesitate(pc, "RemoveVMSwitch")
    with outage.change(pc) as state:
        own = next(one for one in state["switches"] if one["id"] == switch_id)
        connected = [one["switch"] for vm in state["vms"].values() for one in vm["adapters"]]
        if any((switch or "").lower() == name.lower() for switch in connected):
            raise refusals.failed("RemoveVMSwitch", "Failed while removing virtual Ethernet switch.")
        if own["allow_management_os"]:
            physical = next((one for one in state["adapters"] if one["name"] == own["adapter"]), None)
            wiring.remove_management(state, name, physical)
        state["switches"].remove(own)


def set_rsc(pc: HostState, switch_id: str, to: bool) -> None:
    """`Set-VMSwitch -EnableSoftwareRsc`, which Windows 10 has from 1809 on."""
    machines.require_service(pc, "SetVMSwitch")
    with outage.change(pc) as state:
        if int(state["os"]["build"]) < RSC_BUILD:
            message = "A parameter cannot be found that matches parameter name 'EnableSoftwareRsc'."
            raise refusals.hyperv("SetVMSwitch", "NamedParameterNotFound", "InvalidArgument", message)
        next(one for one in state["switches"] if one["id"] == switch_id)["software_rsc"] = to


def _hesitate(pc: HostState, cmdlet: str) -> None:
    """Refuse as often as this PC does before it does it."""
    with pc.change() as state:
        left = wiring.trouble(state).get(cmdlet, 0)
        if left:
            state["switch_trouble"][cmdlet] = left - 1
    if left:
        raise refusals.failed(cmdlet, "The operation failed.")


def _physical(state: Json, name: str) -> Json:
    """The adapter that a switch is to be on; refused when it cannot carry one."""
    found = (one for one in state["adapters"] if one["name"].lower() == name.lower())
    adapter: Json | None = next(found, None)
    if adapter is None:
        raise refusals.unspecified("NewVMSwitch", f"Physical network adapter '{name}' not found.")
    if not adapter["physical"] or adapter.get("bridged"):
        message = "Sequence contains no matching element"
        raise refusals.hyperv("NewVMSwitch", "InvalidOperation", "InvalidOperation", message)
    if any((one["adapter"] or "").lower() == adapter["name"].lower() for one in state["switches"]):
        text = f"External Ethernet adapter '{adapter['description']}' is already bound to the Microsoft Virtual Switch"
        raise refusals.hyperv("NewVMSwitch", "ObjectInUse", "ResourceBusy", f"{FAILED}{text} protocol.")
    if adapter["medium"] == "Native 802.11":
        port = f"Ethernet port '{{{adapter['guid'].upper()}}}' bind failed: Element not found. (0x80070490)."
        raise refusals.not_found("NewVMSwitch", f"{FAILED}{port}")
    return adapter
