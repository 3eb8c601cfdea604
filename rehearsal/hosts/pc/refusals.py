"""How the cmdlets refuse, with the ids and categories of the real modules.

PowerShell puts the class of the cmdlet behind an error's id, and so do these: a cmdlet is given as its class (`GetVM`).
"""

from __future__ import annotations

from typing import Any

MODULE = "Microsoft.HyperV.PowerShell.Commands"


class RefusedError(Exception):
    """An error record: what a script's `catch` sees."""

    def __init__(self, message: str, error_id: str, category: str, target: str | None = None) -> None:
        self.message = message
        self.error_id = error_id
        self.category = category
        self.target = target
        super().__init__(message)

    def record(self) -> dict[str, Any]:
        """Return the record as the scripts answer it for one machine; a JSON answer has no script line."""
        return {"message": self.message, "id": self.error_id, "category": self.category, "line": 0}


class QuestionError(RefusedError):
    """A question that only somebody at a keyboard, or -Force, answers; to everybody else it is this refusal."""

    def __init__(self, cmdlet: str, question: str) -> None:
        self.question = question
        message = "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
        super().__init__(message, f"InvalidOperation,{MODULE}.{cmdlet}", "InvalidOperation")


def hyperv(cmdlet: str, error_id: str, category: str, message: str) -> RefusedError:
    """Refuse in the name of a Hyper-V cmdlet, given as its class (`GetVM`)."""
    return RefusedError(message, f"{error_id},{MODULE}.{cmdlet}", category)


def vhd(cmdlet: str, error_id: str, category: str, message: str) -> RefusedError:
    """Refuse in the name of a virtual disk cmdlet (`NewVhd`, `GetVHD`)."""
    return RefusedError(message, f"{error_id},Microsoft.Vhd.PowerShell.Cmdlets.{cmdlet}", category)


def parameter(cmdlet: str, message: str) -> RefusedError:
    """A value that cannot be right."""
    return hyperv(cmdlet, "InvalidParameter", "InvalidArgument", message)


def failed(cmdlet: str, message: str) -> RefusedError:
    """Something that Hyper-V began and could not do."""
    return hyperv(cmdlet, "OperationFailed", "NotSpecified", message)


def state(cmdlet: str, message: str) -> RefusedError:
    """What the VM's present state does not allow."""
    return hyperv(cmdlet, "InvalidState", "InvalidOperation", message)


def not_found(cmdlet: str, message: str) -> RefusedError:
    """An object that is not there."""
    return hyperv(cmdlet, "ObjectNotFound", "ObjectNotFound", message)


def unspecified(cmdlet: str, message: str) -> RefusedError:
    """What Hyper-V has no name for."""
    return hyperv(cmdlet, "Unspecified", "NotSpecified", message)


def no_machine(vm_id: str, cmdlet: str = "GetVM") -> RefusedError:
    """No VM of that id."""
    return not_found(cmdlet, f'Hyper-V was unable to find a virtual machine with id "{vm_id}".')


def no_machine_named(cmdlet: str, name: str) -> RefusedError:
    """No VM of that name: to Get-VM itself a wrong argument, to the others a VM that is not found."""
    message = f'Hyper-V was unable to find a virtual machine with name "{name}".'
    if cmdlet != "GetVM":
        return not_found(cmdlet, message)
    return RefusedError(message, f"InvalidParameter,{MODULE}.GetVM", "InvalidArgument", target=name)


def no_switch(cmdlet: str, name: str, target: str | None = None) -> RefusedError:
    """No virtual switch of that name."""
    message = f'Hyper-V was unable to find a virtual switch with name "{name}".'
    return RefusedError(message, f"InvalidParameter,{MODULE}.{cmdlet}", "InvalidArgument", target)


def service_down(cmdlet: str, computer: str) -> RefusedError:
    """The Hyper-V service does not answer, which looks like an object that is not found."""
    return not_found(
        cmdlet,
        f"Hyper-V encountered an error trying to access an object on computer '{computer}' because the object was "
        "not found. The object might have been deleted. Verify that the Virtual Machine Management service on the "
        "computer is running.",
    )


def no_computer(cmdlet: str, computer: str) -> RefusedError:
    """The PC's own name leads nowhere."""
    message = f"The computer '{computer}' could not be resolved. Make sure you typed the machine name correctly and "
    return parameter(cmdlet, f"{message}that you have network access.")


def no_rights(cmdlet: str, computer: str) -> RefusedError:
    """The caller is in neither group that may use Hyper-V, or is not elevated."""
    return unspecified(
        cmdlet,
        "You do not have the required permission to complete this task. Contact the administrator of the "
        f"authorization policy for the computer '{computer}'.",
    )


def no_permission(cmdlet: str, act: str, device: str, path: str) -> RefusedError:
    """A file that the host's account may not open."""
    return hyperv(
        cmdlet,
        "AccessDenied",
        "PermissionDenied",
        f"Failed to {act} device '{device}'.\nUser Account does not have permission to open attachment '{path}'. "
        "Error: 'General access denied error' (0x80070005).",
    )


def file_in_use(path: str) -> RefusedError:
    """Remove-Item of a file that somebody has open."""
    return RefusedError(
        f"Cannot remove item {path}: The process cannot access the file '{path}' because it is being used by another "
        "process.",
        "RemoveFileSystemItemIOError,Microsoft.PowerShell.Commands.RemoveItemCommand",
        "WriteError",
    )


def no_file(path: str) -> RefusedError:
    """Get-Item of a file that is not there."""
    return RefusedError(
        f"Cannot find path '{path}' because it does not exist.",
        "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
        "ObjectNotFound",
    )


def device_in_use(cmdlet: str, name: str, vm_id: str, device: str) -> RefusedError:
    """A device that cannot be changed in the VM's state."""
    return state(
        cmdlet,
        f"Failed to modify device '{device}'.\n'{name}' failed to modify device '{device}'. (Virtual machine ID "
        f"{vm_id.upper()})\nThe operation cannot be performed while the object is in its current state.",
    )


def wrong_state(cmdlet: str, name: str) -> RefusedError:
    """A change of state that the present state does not allow; it names the VM."""
    message = "The operation cannot be performed while the virtual machine is in its current state."
    return RefusedError(message, f"InvalidState,{MODULE}.{cmdlet}", "InvalidOperation", target=name)
