using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMMemory", DefaultParameterSetName = "VMName")]
    public class GetVMMemory : MachineView
    {
        protected override object Seen(VirtualMachine machine) => new VMMemory(machine);
    }

    [Cmdlet("Set", "VMMemory", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMMemory : MachineChange
    {
        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMMemory[] VMMemory { get; set; } = Array.Empty<VMMemory>();

        [Parameter] public bool DynamicMemoryEnabled { get; set; }
        [Parameter] public long StartupBytes { get; set; }
        [Parameter] public long MinimumBytes { get; set; }
        [Parameter] public long MaximumBytes { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "ResourceObject" ? VMMemory.Select(memory => memory.Machine) : base.Targets;

        protected override object Changed(VirtualMachine machine, JsonNode? made) => new VMMemory(machine);
    }

    [Cmdlet("Get", "VMProcessor", DefaultParameterSetName = "VMName")]
    public class GetVMProcessor : MachineView
    {
        protected override object Seen(VirtualMachine machine) => new VMProcessor(machine);
    }

    [Cmdlet("Set", "VMProcessor", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMProcessor : MachineChange
    {
        [Parameter(ParameterSetName = "VMProcessor", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMProcessor[] VMProcessor { get; set; } = Array.Empty<VMProcessor>();

        [Parameter] public long Count { get; set; }
        [Parameter] public bool CompatibilityForMigrationEnabled { get; set; }
        [Parameter] public bool ExposeVirtualizationExtensions { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "VMProcessor" ? VMProcessor.Select(processor => processor.Machine) : base.Targets;

        protected override object Changed(VirtualMachine machine, JsonNode? made) => new VMProcessor(machine);
    }

    [Cmdlet("Get", "VMFirmware", DefaultParameterSetName = "VMName")]
    public class GetVMFirmware : MachineView
    {
        protected override object Seen(VirtualMachine machine) => new VMFirmware(machine);
    }

    [Cmdlet("Set", "VMFirmware", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMFirmware : MachineChange
    {
        [Parameter(ParameterSetName = "VMFirmware", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMFirmware[] VMFirmware { get; set; } = Array.Empty<VMFirmware>();

        [Parameter] public VMComponentObject[]? BootOrder { get; set; }
        [Parameter] public VMComponentObject? FirstBootDevice { get; set; }
        [Parameter] public OnOffState EnableSecureBoot { get; set; }
        [Parameter] public string SecureBootTemplate { get; set; } = "";
        [Parameter] public Guid? SecureBootTemplateId { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "VMFirmware" ? VMFirmware.Select(firmware => firmware.Machine) : base.Targets;

        protected override object Changed(VirtualMachine machine, JsonNode? made) => new VMFirmware(machine);
    }

    [Cmdlet("Get", "VMIntegrationService", DefaultParameterSetName = "VMName")]
    public class GetVMIntegrationService : MachineView
    {
        // Names are those of an English Windows; the ids are the same everywhere.
        private static readonly (string Name, string Id, bool Enabled)[] Services =
        {
            ("Guest Service Interface", "6C09BB55-D683-4DA0-8931-C9BF705F6480", false),
            ("Heartbeat", "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47", true),
            ("Key-Value Pair Exchange", "2A34B1C2-FD73-4043-8A5B-DD2159BC743F", true),
            ("Shutdown", "9F8233AC-BE49-4C79-8EE3-E7E1985B2077", true),
            ("Time Synchronization", "2497F4DE-E9FA-4204-80E4-4B75C46419C0", true),
            ("VSS", "5CED1297-4598-4915-A5FC-AD21BB4D02A4", true),
        };

        [Parameter(Position = 1)] public string[] Name { get; set; } = Array.Empty<string>();

        protected override object Seen(VirtualMachine machine) => Services
            .Where(service => Name.Length == 0 || Name.Any(name => Matches(name, service.Name)))
            .Select(service => new VMIntegrationComponent(
                machine,
                service.Name,
                $"Microsoft:{machine.Key.ToUpperInvariant()}\\{service.Id}",
                service.Enabled));
    }
}
