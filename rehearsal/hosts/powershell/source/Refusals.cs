using System;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell
{
    /// <summary>The one exception type of the Hyper-V module 2.0.</summary>
    public class VirtualizationException : Exception
    {
        public VirtualizationException(
            string message, string errorIdentifier, ErrorCategory errorCategory, object? target = null)
            : base(message)
        {
            ErrorIdentifier = errorIdentifier;
            ErrorCategory = errorCategory;
            TargetObject = target;
        }

        public string ErrorIdentifier { get; }
        public ErrorCategory ErrorCategory { get; }
        public object? TargetObject { get; }

        public ErrorRecord Record => new(this, ErrorIdentifier, ErrorCategory, TargetObject);
    }
}

namespace Rehearsal
{
    using Microsoft.HyperV.PowerShell;

    /// <summary>The refusals of Hyper-V, each with the id and the category that the real module gives it.</summary>
    public static class Refuse
    {
        public static VirtualizationException Parameter(string message, object? target = null) =>
            new(message, "InvalidParameter", ErrorCategory.InvalidArgument, target);

        public static VirtualizationException NotFound(string message) =>
            new(message, "ObjectNotFound", ErrorCategory.ObjectNotFound);

        public static VirtualizationException Operation(string message) =>
            new(message, "InvalidOperation", ErrorCategory.InvalidOperation);

        public static VirtualizationException Failed(string message) =>
            new(message, "OperationFailed", ErrorCategory.NotSpecified);

        public static VirtualizationException Unspecified(string message) =>
            new(message, "Unspecified", ErrorCategory.NotSpecified);

        public static VirtualizationException InUse(string message) =>
            new(message, "ObjectInUse", ErrorCategory.ResourceBusy);

        public static VirtualizationException Denied(string message) =>
            new(message, "AccessDenied", ErrorCategory.PermissionDenied);

        public static VirtualizationException OutOfMemory(string message) =>
            new(message, "OutOfMemory", ErrorCategory.FromStdErr);

        public static VirtualizationException State(string message, object? target = null) =>
            new(message, "InvalidState", ErrorCategory.InvalidOperation, target);

        /// <summary>A state change (start, stop, ...) in a state that does not allow it; names the VM.</summary>
        public static VirtualizationException WrongState(VirtualMachine machine) =>
            State("The operation cannot be performed while the virtual machine is in its current state.", machine);

        /// <summary>A setting that cannot be changed in the VM's state; `device` is Memory, Processor, ...</summary>
        public static VirtualizationException DeviceInUse(VirtualMachine machine, string device) => State(
            $"Failed to modify device '{device}'.\n'{machine.Name}' failed to modify device '{device}'. " +
            $"(Virtual machine ID {machine.Id.ToString().ToUpperInvariant()})\n" +
            "The operation cannot be performed while the object is in its current state.");

        public static VirtualizationException SettingsInUse(VirtualMachine machine) => State(
            $"'{machine.Name}' failed to modify settings.\n" +
            "The operation cannot be performed while the object is in its current state.");

        public static VirtualizationException NoMachineNamed(string name, bool asArgument) => asArgument
            ? Parameter(NoMachineText(name), name)
            : NotFound(NoMachineText(name));

        public static VirtualizationException NoMachineWithId(string id) =>
            NotFound($"Hyper-V was unable to find a virtual machine with id \"{id}\".");

        public static VirtualizationException NoSwitchNamed(string name, object? target = null) =>
            Parameter($"Hyper-V was unable to find a virtual switch with name \"{name}\".", target);

        public static VirtualizationException ServiceDown() => NotFound(
            $"Hyper-V encountered an error trying to access an object on computer '{Pc.Name}' because the object was " +
            "not found. The object might have been deleted. Verify that the Virtual Machine Management service on " +
            "the computer is running.");

        /// <summary>The caller is in neither group that may use Hyper-V, or is not elevated.</summary>
        public static VirtualizationException NoRights() => Unspecified(
            "You do not have the required permission to complete this task. Contact the administrator of the " +
            $"authorization policy for the computer '{Pc.Name}'.");

        public static VirtualizationException NotInteractive() => Operation(
            "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.");

        public static VirtualizationException NoDisk(string path) =>
            Parameter($"'{path}' is not an existing virtual hard disk file.");

        private static string NoMachineText(string name) =>
            $"Hyper-V was unable to find a virtual machine with name \"{name}\".";
    }
}
