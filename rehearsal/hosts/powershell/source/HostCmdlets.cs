using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMHost", DefaultParameterSetName = "ComputerName")]
    public class GetVMHost : StandInCmdlet
    {
        protected override void Act() => WriteObject(new VMHost());
    }

    [Cmdlet("Get", "VMSwitch", DefaultParameterSetName = "Name")]
    public class GetVMSwitch : StandInCmdlet
    {
        [Parameter(ParameterSetName = "Name", Position = 0)]
        [Alias("SwitchName")]
        public string Name { get; set; } = "";

        [Parameter(
            ParameterSetName = "Id", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        [Alias("SwitchId")]
        public Guid[] Id { get; set; } = Array.Empty<Guid>();

        [Parameter]
        public VMSwitchType[] SwitchType { get; set; } = Array.Empty<VMSwitchType>();

        protected override void Act()
        {
            var all = Pc.State["switches"]!.AsArray().Select(data => new VMSwitch(data!.AsObject())).ToList();
            var found = all.Where(one => Name == "" || Matches(Name, one.Name))
                .Where(one => Id.Length == 0 || Id.Contains(one.Id))
                .Where(one => SwitchType.Length == 0 || SwitchType.Contains(one.SwitchType)).ToList();
            if (found.Count == 0 && Name != "" && !WildcardPattern.ContainsWildcardCharacters(Name))
            {
                throw Refuse.NoSwitchNamed(Name, Name);
            }
            WriteObject(found, true);
        }
    }

    [Cmdlet("Get", "VMSnapshot", DefaultParameterSetName = "VMName")]
    public class GetVMSnapshot : MachineCmdlet
    {
        [Parameter(Position = 1)]
        public string Name { get; set; } = "";

        protected override void Act(VirtualMachine machine)
        {
            var found = machine.Snapshots.Where(snapshot => Name == "" || Matches(Name, snapshot.Name)).ToList();
            if (found.Count == 0 && Name != "" && !WildcardPattern.ContainsWildcardCharacters(Name))
            {
                throw Refuse.NotFound("Unable to find a snapshot matching the given criteria.");
            }
            WriteObject(found.OrderBy(snapshot => snapshot.CreationTime), true);
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

        protected override void Act()
        {
            var machines = ParameterSetName == "SnapshotName" ? Named(VMName) : VM;
            var snapshots = ParameterSetName == "SnapshotObject" ? VMSnapshot : machines.SelectMany(vm => vm.Snapshots)
                .Where(snapshot => Name.Length == 0 || Name.Any(name => Matches(name, snapshot.Name)));
            foreach (var snapshot in snapshots.ToList())
            {
                Try(() => Remove(snapshot));
            }
        }

        private void Remove(VMSnapshot snapshot)
        {
            if (ShouldProcess(snapshot.VMName, "Remove-VMSnapshot"))
            {
                Chains.Forget(snapshot.Machine.Key, snapshot.Id.ToString());
            }
        }
    }
}
