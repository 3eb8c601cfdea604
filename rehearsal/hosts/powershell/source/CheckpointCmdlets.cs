using System;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Checkpoint", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class CheckpointVM : StandInCmdlet
    {
        [Parameter(ParameterSetName = "Name", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Alias("VMName")]
        public string[] Name { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter(ParameterSetName = "Name", Position = 1), Parameter(ParameterSetName = "VMObject", Position = 1)]
        [Alias("CheckpointName")]
        public string SnapshotName { get; set; } = "";

        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override void Act()
        {
            foreach (var machine in ParameterSetName == "Name" ? Named(Name) : VM)
            {
                Try(() =>
                {
                    RequireExisting(machine);
                    if (!ShouldProcess(machine.Name, "Checkpoint-VM"))
                    {
                        return;
                    }
                    var id = Guid.NewGuid();
                    var name = SnapshotName == "" ? $"{machine.Name} - ({DateTime.Now})" : SnapshotName;
                    Chains.Take(machine.Key, id.ToString(), name);
                    if (Passthru)
                    {
                        WriteObject(machine.Snapshots.First(snapshot => snapshot.Id == id));
                    }
                });
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
            var snapshot = VMSnapshot ?? Find();
            if (!Agreed(snapshot))
            {
                return;
            }
            // A running VM is saved first and started again; the lab's scripts turn it off before.
            if (!snapshot.Machine.Off)
            {
                throw Refuse.WrongState(snapshot.Machine);
            }
            Chains.Restore(snapshot.Machine.Key, snapshot.Id.ToString());
        }

        private VMSnapshot Find()
        {
            var machines = VM is null ? Named(new[] { VMName }) : new[] { VM };
            var found = machines.SelectMany(vm => vm.Snapshots).Where(one => Matches(Name, one.Name)).ToList();
            return found.Count switch
            {
                0 => throw Refuse.NotFound("Unable to find a snapshot matching the given criteria."),
                1 => found[0],
                _ => throw Refuse.Parameter("More than one snapshot was found matching the given criteria."),
            };
        }

        private bool Agreed(VMSnapshot snapshot)
        {
            try
            {
                return ShouldProcess(snapshot.VMName, "Restore-VMSnapshot");
            }
            catch (Exception e) when (e is PSInvalidOperationException or HostException)
            {
                throw Refuse.NotInteractive();
            }
        }
    }
}
