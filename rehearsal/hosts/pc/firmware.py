"""A VM's firmware: Secure Boot and what it starts from."""

from __future__ import annotations

from rehearsal.hosts.pc import machines, refusals
from rehearsal.hosts.state import HostState, Json

FAILED = "'{name}' failed to modify settings.\n"
EXCLUSIVE = "The {} and {} parameters are mutually exclusive."


def require_generation_2(vm: Json, cmdlet: str) -> None:
    """Refuse a VM that has a BIOS."""
    if vm["generation"] != 2:
        raise refusals.parameter(
            cmdlet,
            f'The Generation 1 virtual machine or snapshot "{vm["name"]}" does not support the VMFirmware cmdlets. '
            "Use Get-VMBios and Set-VMBios instead.",
        )


def set_firmware(
    pc: HostState,
    vm_id: str,
    *,
    secure_boot: bool | None = None,
    template: str = "",
    template_id: str = "",
    boot_order: list[Json] | None = None,
    first: Json | None = None,
) -> None:
    """`Set-VMFirmware`: only while the VM is off.

    `boot_order` drops what it does not name (an empty one changes nothing), `first` moves one. A device stands in them
    as an entry of a boot order does, {"type", "id"}; an entry that was read there as {"vm", "entry"}.
    """
    vm = machines.get(pc, vm_id, "SetVMFirmware")
    require_generation_2(vm, "SetVMFirmware")
    if boot_order is not None and first is not None:
        raise refusals.parameter("SetVMFirmware", EXCLUSIVE.format("BootOrder", "FirstBootEntry"))
    chosen = _template(pc.read()["secure_boot_templates"], template, template_id)
    order = [_entry(vm, device) for device in boot_order or []] or vm["boot_order"]
    if first is not None:
        order = [_entry(vm, first), *(one for one in order if one != _entry(vm, first))]
    if vm["state"] != "Off":
        raise refusals.state("SetVMFirmware", FAILED.format(**vm) + machines.IN_STATE)
    if chosen and vm.get("tpm_used"):
        message = (
            "Cannot modify the secure boot template ID property.\n"
            "The template cannot be changed after the virtual TPM is initialized."
        )
        raise refusals.failed("SetVMFirmware", FAILED.format(**vm) + message)
    with machines.changing(pc, vm_id, "SetVMFirmware") as vm:
        vm["secure_boot"] = vm["secure_boot"] if secure_boot is None else secure_boot
        vm["secure_boot_template"] = chosen or vm["secure_boot_template"]
        vm["boot_order"] = order


def _template(known: dict[str, str], name: str, template_id: str) -> str:
    """The template that is meant, '' for none; a name is a pattern that must match exactly one."""
    if name and template_id:
        message = EXCLUSIVE.format("SecureBootTemplate", "SecureBootTemplateId")
        raise refusals.parameter("SetVMFirmware", message)
    if not name and not template_id:
        return ""
    found = [
        one for one, its_id in known.items() if (its_id == template_id if template_id else machines.matches(name, one))
    ]
    if len(found) != 1:
        how = "more than one secure boot template" if found else "none of the secure boot templates"
        raise refusals.parameter("SetVMFirmware", f"'{template_id or name}' matches {how}.")
    return found[0]


def _entry(vm: Json, device: Json) -> Json:
    """The boot order's entry for a device; one that an earlier order dropped may be listed again."""
    own = [part["id"] for kind in ("adapters", "drives", "dvds") for part in vm[kind]]
    if "entry" in device:
        entry: Json = device["entry"]
        is_known = device["vm"] == vm["id"] and entry in vm["boot_order"]
    else:
        fresh = {"type": device["type"], "id": device["id"]}
        entry = next((one for one in vm["boot_order"] if one.get("id") == device["id"]), fresh)
        is_known = entry is not fresh or device["id"] in own
    if not is_known:
        raise refusals.parameter("SetVMFirmware", "The specified device is not a valid boot device.")
    return entry
