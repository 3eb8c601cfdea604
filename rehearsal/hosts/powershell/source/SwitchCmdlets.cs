using System;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMHost", DefaultParameterSetName = "ComputerName")]
    public class GetVMHost : StandInCmdlet
    {
        protected override void Act()
        {
            Do();
            WriteObject(new VMHost());
        }
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

        [Parameter] public string[] ComputerName { get; set; } = Array.Empty<string>();

        protected override void Act() =>
            WriteObject(Do()!.AsArray().Select(data => new VMSwitch(data!.AsObject())), true);
    }

    [Cmdlet("New", "VMSwitch", DefaultParameterSetName = "NetAdapterName", SupportsShouldProcess = true)]
    public class NewVMSwitch : StandInCmdlet
    {
        [Parameter(Mandatory = true, Position = 0), Alias("SwitchName")]
        public string Name { get; set; } = "";

        [Parameter(ParameterSetName = "SwitchType", Mandatory = true)]
        public VMSwitchType SwitchType { get; set; }

        [Parameter(ParameterSetName = "NetAdapterName", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        [Alias("InterfaceAlias")]
        public string[] NetAdapterName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "NetAdapterName")] public bool AllowManagementOS { get; set; } = true;
        [Parameter] public string? Notes { get; set; }

        [Parameter(ValueFromPipelineByPropertyName = true), Alias("PSComputerName")]
        public string[] ComputerName { get; set; } = Array.Empty<string>();

        protected override void Act() => WriteObject(new VMSwitch(Do()!.AsObject()));
    }

    [Cmdlet("Set", "VMSwitch", DefaultParameterSetName = "SwitchName_SwitchType", SupportsShouldProcess = true)]
    public class SetVMSwitch : StandInCmdlet
    {
        [Parameter(ParameterSetName = "SwitchObject_SwitchType", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMSwitch[] VMSwitch { get; set; } = Array.Empty<VMSwitch>();

        [Parameter] public bool EnableSoftwareRsc { get; set; }

        protected override void Act()
        {
            foreach (var one in VMSwitch)
            {
                Do(one);
            }
        }
    }

    [Cmdlet("Remove", "VMSwitch", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class RemoveVMSwitch : StandInCmdlet
    {
        [Parameter(ParameterSetName = "SwitchObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMSwitch[] VMSwitch { get; set; } = Array.Empty<VMSwitch>();

        [Parameter] public SwitchParameter Force { get; set; }

        protected override void Act()
        {
            foreach (var one in VMSwitch)
            {
                Do(one);
            }
        }
    }
}
