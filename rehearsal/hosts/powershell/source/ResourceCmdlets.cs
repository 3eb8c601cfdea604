using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMMemory", DefaultParameterSetName = "VMName")]
    public class GetVMMemory : MachineCmdlet
    {
        protected override void Act(VirtualMachine machine) => WriteObject(new VMMemory(machine));
    }

    [Cmdlet("Set", "VMMemory", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMMemory : MachineCmdlet
    {
        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMMemory[] VMMemory { get; set; } = Array.Empty<VMMemory>();

        [Parameter] public bool DynamicMemoryEnabled { get; set; }
        [Parameter] public long StartupBytes { get; set; }
        [Parameter] public long MinimumBytes { get; set; }
        [Parameter] public long MaximumBytes { get; set; }
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "ResourceObject" ? VMMemory.Select(memory => memory.Machine) : base.Targets;

        protected override void Act(VirtualMachine machine)
        {
            if (!ShouldProcess(machine.Name, "Set-VMMemory"))
            {
                return;
            }
            MemoryRules.Apply(
                machine,
                Given(nameof(DynamicMemoryEnabled)) ? DynamicMemoryEnabled : null,
                Given(nameof(StartupBytes)) ? StartupBytes : null,
                Given(nameof(MinimumBytes)) ? MinimumBytes : null,
                Given(nameof(MaximumBytes)) ? MaximumBytes : null);
            if (Passthru)
            {
                WriteObject(new VMMemory(machine));
            }
        }
    }

    [Cmdlet("Get", "VMProcessor", DefaultParameterSetName = "VMName")]
    public class GetVMProcessor : MachineCmdlet
    {
        protected override void Act(VirtualMachine machine) => WriteObject(new VMProcessor(machine));
    }

    [Cmdlet("Set", "VMProcessor", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMProcessor : MachineCmdlet
    {
        [Parameter(ParameterSetName = "VMProcessor", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMProcessor[] VMProcessor { get; set; } = Array.Empty<VMProcessor>();

        [Parameter] public long Count { get; set; }
        [Parameter] public bool CompatibilityForMigrationEnabled { get; set; }
        [Parameter] public bool ExposeVirtualizationExtensions { get; set; }
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "VMProcessor" ? VMProcessor.Select(processor => processor.Machine) : base.Targets;

        protected override void Act(VirtualMachine machine)
        {
            if (!ShouldProcess(machine.Name, "Set-VMProcessor"))
            {
                return;
            }
            if (!machine.Off)
            {
                throw Refuse.DeviceInUse(machine, "Processor");
            }
            if (Given(nameof(Count)))
            {
                ProcessorRules.SetCount(machine, Count);
            }
            Pc.ChangeMachine(machine.Key, vm =>
            {
                vm["processor_compatibility"] = Given(nameof(CompatibilityForMigrationEnabled))
                    ? CompatibilityForMigrationEnabled : (bool)vm["processor_compatibility"]!;
                vm["nested"] = Given(nameof(ExposeVirtualizationExtensions))
                    ? ExposeVirtualizationExtensions : (bool)vm["nested"]!;
            });
            if (Passthru)
            {
                WriteObject(new VMProcessor(machine));
            }
        }
    }

    [Cmdlet("Get", "VMIntegrationService", DefaultParameterSetName = "VMName")]
    public class GetVMIntegrationService : MachineCmdlet
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

        protected override void Act(VirtualMachine machine) => WriteObject(Services
            .Where(service => Name.Length == 0 || Name.Any(name => Matches(name, service.Name)))
            .Select(service => new VMIntegrationComponent(
                machine,
                service.Name,
                $"Microsoft:{machine.Key.ToUpperInvariant()}\\{service.Id}",
                service.Enabled)), true);
    }
}
