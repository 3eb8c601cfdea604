using System;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Checkpoint", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class CheckpointVM : NamedMachineCmdlet
    {
        [Parameter(ParameterSetName = "Name", Position = 1), Parameter(ParameterSetName = "VMObject", Position = 1)]
        [Alias("CheckpointName")]
        public string SnapshotName { get; set; } = "";

        protected override object Changed(VirtualMachine machine, JsonNode? made) =>
            new VMSnapshot(machine, made!.AsObject());
    }

    [Cmdlet("Get", "VMSnapshot", DefaultParameterSetName = "VMName")]
    public class GetVMSnapshot : MachineCmdlet
    {
        [Parameter(Position = 1)]
        public string Name { get; set; } = "";

        protected override void Act(VirtualMachine machine)
        {
            var found = Texts(Do(machine));
            WriteObject(found.Select(id => machine.Snapshots.First(one => one.Id == Guid.Parse(id))), true);
        }
    }

    [Cmdlet("Remove", "VMSnapshot", DefaultParameterSetName = "SnapshotName", SupportsShouldProcess = true)]
    public class RemoveVMSnapshot : StandInCmdlet
    {
        [Parameter(ParameterSetName = "SnapshotName", Mandatory = true, Position = 0)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter(ParameterSetName = "SnapshotObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Alias("VMCheckpoint")]
        public VMSnapshot[] VMSnapshot { get; set; } = Array.Empty<VMSnapshot>();

        [Parameter(ParameterSetName = "SnapshotName", Position = 1, ValueFromPipeline = true)]
        [Parameter(ParameterSetName = "VMObject", Position = 1, ValueFromPipeline = true)]
        public string[] Name { get; set; } = Array.Empty<string>();

        /// <summary>A name that no checkpoint has is no error here.</summary>
        protected override void Act()
        {
            Model.Do("Get-VMHost");
            var named = Named(VMName).Concat(VM).SelectMany(vm => vm.Snapshots)
                .Where(snapshot => Name.Length == 0 || Name.Any(name => Matches(name, snapshot.Name)));
            foreach (var snapshot in VMSnapshot.Concat(named).ToList().Where(snapshot => Shall(snapshot.VMName)))
            {
                Try(() => Do(snapshot));
            }
        }
    }

    [Cmdlet(
        "Restore", "VMSnapshot", DefaultParameterSetName = "SnapshotName", SupportsShouldProcess = true,
        ConfirmImpact = ConfirmImpact.High)]
    public class RestoreVMSnapshot : StandInCmdlet
    {
        [Parameter(ParameterSetName = "SnapshotObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Alias("VMCheckpoint")]
        public VMSnapshot VMSnapshot { get; set; } = null!;

        [Parameter(ParameterSetName = "SnapshotName", Mandatory = true, Position = 1)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "SnapshotName", Mandatory = true, Position = 0)]
        [Parameter(ParameterSetName = "VM", Mandatory = true, Position = 0)]
        public string Name { get; set; } = "";

        [Parameter(ParameterSetName = "VM", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine VM { get; set; } = null!;

        protected override void Act()
        {
            if (IsAgreed(VMSnapshot?.VMName ?? VM?.Name ?? VMName))
            {
                Do(VMSnapshot);
            }
        }

        /// <summary>The one cmdlet that asks unless -Confirm:$false is given.</summary>
        private bool IsAgreed(string name)
        {
            try
            {
                return Shall(name);
            }
            catch (Exception e) when (e is PSInvalidOperationException or HostException)
            {
                throw new VirtualizationException(e.Message, "InvalidOperation", ErrorCategory.InvalidOperation);
            }
        }
    }
}
