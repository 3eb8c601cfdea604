using System;
using System.Collections;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VM", DefaultParameterSetName = "Name")]
    public class GetVM : StandInCmdlet
    {
        [Parameter(ParameterSetName = "Name", Position = 0, ValueFromPipeline = true)]
        [Alias("VMName")]
        public string[] Name { get; set; } = Array.Empty<string>();

        [Parameter(
            ParameterSetName = "Id", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        public Guid Id { get; set; }

        protected override void Act()
        {
            if (Name.Length == 0)
            {
                WriteObject(Machines(Do()), true);
            }
            foreach (var name in Name)
            {
                Try(() => WriteObject(Machines(Model.Do("Get-VM", null, new Hashtable { ["Name"] = name })), true));
            }
        }
    }

    [Cmdlet("New", "VM", DefaultParameterSetName = "No VHD", SupportsShouldProcess = true)]
    public class NewVM : StandInCmdlet
    {
        [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        [Alias("VMName")]
        public string Name { get; set; } = "";

        [Parameter(Position = 1)] public long MemoryStartupBytes { get; set; }
        [Parameter(Position = 2), ValidateSet("1", "2")] public short Generation { get; set; } = 1;
        [Parameter] public BootDevice BootDevice { get; set; }
        [Parameter] public string SwitchName { get; set; } = "";
        [Parameter] public string Path { get; set; } = "";
        [Parameter(ParameterSetName = "No VHD")] public SwitchParameter NoVHD { get; set; }
        [Parameter(ParameterSetName = "New VHD", Mandatory = true)] public string NewVHDPath { get; set; } = "";
        [Parameter(ParameterSetName = "New VHD", Mandatory = true)] public ulong NewVHDSizeBytes { get; set; }
        [Parameter(ParameterSetName = "Existing VHD", Mandatory = true)] public string VHDPath { get; set; } = "";
        [Parameter] public SwitchParameter Force { get; set; }

        protected override void Act()
        {
            if (ShouldProcess(Pc.Name, $"New-VM will create a new virtual machine \"{Name}\"."))
            {
                WriteObject(new VirtualMachine((string)Do()!));
            }
        }
    }

    [Cmdlet("Set", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class SetVM : NamedMachineCmdlet
    {
        [Parameter] public long ProcessorCount { get; set; }
        [Parameter] public SwitchParameter DynamicMemory { get; set; }
        [Parameter] public SwitchParameter StaticMemory { get; set; }
        [Parameter] public long MemoryMinimumBytes { get; set; }
        [Parameter] public long MemoryMaximumBytes { get; set; }
        [Parameter] public long MemoryStartupBytes { get; set; }
        [Parameter] public StartAction AutomaticStartAction { get; set; }
        [Parameter] public StopAction AutomaticStopAction { get; set; }
        [Parameter] public int AutomaticStartDelay { get; set; }
        [Parameter] public bool AutomaticCheckpointsEnabled { get; set; }
        [Parameter] public CheckpointType CheckpointType { get; set; }
        [Parameter] public string Notes { get; set; } = "";
        [Parameter] public string NewVMName { get; set; } = "";
    }

    [Cmdlet("Remove", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class RemoveVM : NamedMachineCmdlet
    {
        [Parameter] public SwitchParameter Force { get; set; }
    }

    [Cmdlet("Start", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class StartVM : NamedMachineCmdlet
    {
    }

    [Cmdlet("Stop", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class StopVM : NamedMachineCmdlet
    {
        [Parameter] public SwitchParameter TurnOff { get; set; }
        [Parameter] public SwitchParameter Save { get; set; }
        [Parameter] public SwitchParameter Force { get; set; }
    }
}
