using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    internal static class Firmware
    {
        public static void RequireGeneration2(VirtualMachine machine)
        {
            if (machine.Generation != 2)
            {
                throw Refuse.Parameter(
                    $"The Generation 1 virtual machine or snapshot \"{machine.Name}\" does not support the " +
                    "VMFirmware cmdlets. Use Get-VMBios and Set-VMBios instead.");
            }
        }
    }

    [Cmdlet("Get", "VMFirmware", DefaultParameterSetName = "VMName")]
    public class GetVMFirmware : MachineCmdlet
    {
        protected override void Act(VirtualMachine machine)
        {
            Firmware.RequireGeneration2(machine);
            WriteObject(new VMFirmware(machine));
        }
    }

    [Cmdlet("Set", "VMFirmware", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMFirmware : MachineCmdlet
    {
        [Parameter(ParameterSetName = "VMFirmware", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMFirmware[] VMFirmware { get; set; } = Array.Empty<VMFirmware>();

        [Parameter] public VMComponentObject[]? BootOrder { get; set; }
        [Parameter] public VMComponentObject? FirstBootDevice { get; set; }
        [Parameter] public OnOffState EnableSecureBoot { get; set; }
        [Parameter] public string SecureBootTemplate { get; set; } = "";
        [Parameter] public Guid? SecureBootTemplateId { get; set; }
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "VMFirmware" ? VMFirmware.Select(firmware => firmware.Machine) : base.Targets;

        protected override void Act(VirtualMachine machine)
        {
            Firmware.RequireGeneration2(machine);
            if (BootOrder is not null && FirstBootDevice is not null)
            {
                throw Refuse.Parameter("The BootOrder and FirstBootEntry parameters are mutually exclusive.");
            }
            var template = Template();
            var order = Order(machine);
            if (!machine.Off)
            {
                throw Refuse.SettingsInUse(machine);
            }
            if (template is not null && (bool?)machine.Data["tpm_used"] == true)
            {
                throw Refuse.Failed(
                    $"'{machine.Name}' failed to modify settings.\nCannot modify the secure boot template ID property.\n" +
                    "The template cannot be changed after the virtual TPM is initialized.");
            }
            if (!ShouldProcess(machine.Name, "Set-VMFirmware"))
            {
                return;
            }
            Pc.ChangeMachine(machine.Key, vm =>
            {
                vm["secure_boot"] = Given(nameof(EnableSecureBoot))
                    ? EnableSecureBoot == OnOffState.On
                    : (bool)vm["secure_boot"]!;
                vm["secure_boot_template"] = template ?? (string)vm["secure_boot_template"]!;
                vm["boot_order"] = order ?? vm["boot_order"]!.DeepClone();
            });
            if (Passthru)
            {
                WriteObject(new VMFirmware(machine));
            }
        }

        /// <summary>Template names are patterns that must match exactly one; null when none was given.</summary>
        private string? Template()
        {
            var known = Pc.State["secure_boot_templates"]!.AsObject();
            if (SecureBootTemplate != "" && SecureBootTemplateId is not null)
            {
                throw Refuse.Parameter(
                    "The SecureBootTemplate and SecureBootTemplateId parameters are mutually exclusive.");
            }
            if (SecureBootTemplate == "" && SecureBootTemplateId is null)
            {
                return null;
            }
            var found = known.Where(template => SecureBootTemplateId is { } id
                ? Guid.Parse((string)template.Value!) == id
                : Matches(SecureBootTemplate, template.Key)).Select(template => template.Key).ToList();
            var asked = SecureBootTemplateId?.ToString() ?? SecureBootTemplate;
            return found.Count switch
            {
                0 => throw Refuse.Parameter($"'{asked}' matches none of the secure boot templates."),
                1 => found[0],
                _ => throw Refuse.Parameter($"'{asked}' matches more than one secure boot template."),
            };
        }

        /// <summary>-BootOrder drops what it does not name, -FirstBootDevice moves one; null: as it is.</summary>
        private JsonArray? Order(VirtualMachine machine)
        {
            if (FirstBootDevice is not null)
            {
                var first = Entry(machine, FirstBootDevice);
                var rest = machine.Items("boot_order").Where(entry => !JsonNode.DeepEquals(entry, first))
                    .Select(entry => entry.DeepClone());
                return new JsonArray(rest.Prepend(first.DeepClone()).ToArray());
            }
            return BootOrder is { Length: > 0 }
                ? new JsonArray(BootOrder.Select(device => Entry(machine, device).DeepClone()).ToArray())
                : null;
        }

        private static JsonObject Entry(VirtualMachine machine, VMComponentObject device)
        {
            var entries = machine.Items("boot_order");
            var known = device is VMBootSource source
                ? entries.FirstOrDefault(entry => source.OfMachine(machine) && JsonNode.DeepEquals(entry, source.Entry))
                : entries.FirstOrDefault(entry => (string?)entry["id"] == device.Id);
            var kind = device is VMNetworkAdapterBase ? "network" : "drive";
            // A device that an earlier -BootOrder dropped may be listed again.
            var owned = device is VMDevice part && part.Machine.Id == machine.Id
                ? new JsonObject { ["type"] = kind, ["id"] = device.Id }
                : null;
            return known ?? owned ?? throw Refuse.Parameter("The specified device is not a valid boot device.");
        }
    }
}
