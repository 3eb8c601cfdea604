using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Microsoft.HyperV.PowerShell;
using Rehearsal;

namespace Microsoft.Vhd.PowerShell.Cmdlets
{
    [Cmdlet("New", "VHD", DefaultParameterSetName = "DynamicWithoutSource", SupportsShouldProcess = true)]
    public class NewVhd : StandInCmdlet
    {
        [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        public string[] Path { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "DynamicWithoutSource", Mandatory = true, Position = 1)]
        [Parameter(ParameterSetName = "FixedWithoutSource", Mandatory = true, Position = 1)]
        public ulong SizeBytes { get; set; }

        [Parameter(ParameterSetName = "DynamicWithoutSource")] public SwitchParameter Dynamic { get; set; }
        [Parameter(ParameterSetName = "FixedWithoutSource", Mandatory = true)] public SwitchParameter Fixed { get; set; }
        [Parameter] public uint BlockSizeBytes { get; set; }

        protected override void Act()
        {
            foreach (var path in Path.Where(Shall))
            {
                Try(() => WriteObject(new VirtualHardDisk(Do(path)!)));
            }
        }
    }

    [Cmdlet("Get", "VHD", DefaultParameterSetName = "Path")]
    public class GetVHD : StandInCmdlet
    {
        [Parameter(
            ParameterSetName = "Path", Mandatory = true, Position = 0, ValueFromPipeline = true,
            ValueFromPipelineByPropertyName = true)]
        [Alias("FullName")]
        public string[] Path { get; set; } = Array.Empty<string>();

        [Parameter(
            ParameterSetName = "VMId", Mandatory = true, Position = 0, ValueFromPipeline = true,
            ValueFromPipelineByPropertyName = true)]
        [Alias("Id")]
        public Guid[] VMId { get; set; } = Array.Empty<Guid>();

        protected override void Act()
        {
            var machines = VMId.Select(id => new VirtualMachine(id.ToString())).ToList();
            machines.ForEach(machine => Model.Do("Get-VMHardDiskDrive", machine));
            foreach (var path in Path.Concat(machines.SelectMany(vm => vm.HardDrives).Select(drive => drive.Path)).ToList())
            {
                Try(() => WriteObject(new VirtualHardDisk(Do(path)!)));
            }
        }
    }
}

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMHardDiskDrive", DefaultParameterSetName = "VMName")]
    public class GetVMHardDiskDrive : MachineView
    {
        [Parameter] public int ControllerLocation { get; set; }
        [Parameter] public int ControllerNumber { get; set; }
        [Parameter] public ControllerType ControllerType { get; set; }

        [Parameter(ParameterSetName = "VMSnapshot", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Alias("VMCheckpoint")]
        public VMSnapshot VMSnapshot { get; set; } = null!;

        protected override void Act()
        {
            if (VMSnapshot is null)
            {
                base.Act();
                return;
            }
            Do();
            WriteObject(Wanted(VMSnapshot.HardDrives), true);
        }

        protected override object Seen(VirtualMachine machine) => Wanted(machine.HardDrives);

        private IEnumerable<HardDiskDrive> Wanted(IEnumerable<HardDiskDrive> drives) => drives.Where(drive =>
            (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation)
            && (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber)
            && (!Given(nameof(ControllerType)) || drive.ControllerType == ControllerType));
    }

    [Cmdlet("Add", "VMHardDiskDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMHardDiskDrive : MachineChange
    {
        [Parameter(Position = 1)] public ControllerType ControllerType { get; set; } = ControllerType.SCSI;
        [Parameter(Position = 2)] public int ControllerNumber { get; set; }
        [Parameter(Position = 3)] public int ControllerLocation { get; set; }
        [Parameter(Position = 4)] public string Path { get; set; } = "";

        protected override object Changed(VirtualMachine machine, JsonNode? made) =>
            new HardDiskDrive(machine, made!.AsObject());
    }

    /// <summary>What both Remove cmdlets for drives do with each one.</summary>
    public abstract class RemovesDrives : StandInCmdlet
    {
        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 1)]
        public virtual int ControllerNumber { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 2)]
        public virtual int ControllerLocation { get; set; }

        [Parameter] public SwitchParameter Passthru { get; set; }

        protected void Detach(IEnumerable<Drive> given, Func<VirtualMachine, IEnumerable<Drive>> ofMachine)
        {
            var named = Named(new[] { VMName }.Where(name => name != "")).SelectMany(ofMachine).Where(drive =>
                drive.ControllerNumber == ControllerNumber && drive.ControllerLocation == ControllerLocation);
            foreach (var drive in given.Concat(named).ToList())
            {
                Try(() => Detach(drive));
            }
        }

        private void Detach(Drive drive)
        {
            if (!Shall(drive.VMName))
            {
                return;
            }
            Do(drive);
            if (Passthru)
            {
                WriteObject(drive);
            }
        }
    }

    [Cmdlet("Remove", "VMHardDiskDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class RemoveVMHardDiskDrive : RemovesDrives
    {
        [Parameter(ParameterSetName = "VMHardDiskDrive", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public HardDiskDrive[] VMHardDiskDrive { get; set; } = Array.Empty<HardDiskDrive>();

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 1)]
        public ControllerType ControllerType { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 2)]
        public override int ControllerNumber { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 3)]
        public override int ControllerLocation { get; set; }

        protected override void Act() => Detach(VMHardDiskDrive, vm => vm.HardDrives);
    }

    [Cmdlet("Get", "VMDvdDrive", DefaultParameterSetName = "VMName")]
    public class GetVMDvdDrive : MachineView
    {
        [Parameter] public int ControllerLocation { get; set; }
        [Parameter] public int ControllerNumber { get; set; }

        protected override object Seen(VirtualMachine machine) => machine.DVDDrives.Where(drive =>
            (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation)
            && (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber));
    }

    [Cmdlet("Add", "VMDvdDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMDvdDrive : MachineChange
    {
        [Parameter(Position = 2)] public int ControllerNumber { get; set; }
        [Parameter(Position = 3)] public int ControllerLocation { get; set; }
        [Parameter(Position = 4)] public string Path { get; set; } = "";

        protected override object Changed(VirtualMachine machine, JsonNode? made) => new DvdDrive(machine, made!.AsObject());
    }

    [Cmdlet("Remove", "VMDvdDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class RemoveVMDvdDrive : RemovesDrives
    {
        [Parameter(ParameterSetName = "VMDvdDrive", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public DvdDrive[] VMDvdDrive { get; set; } = Array.Empty<DvdDrive>();

        protected override void Act() => Detach(VMDvdDrive, vm => vm.DVDDrives);
    }

    [Cmdlet("Set", "VMDvdDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMDvdDrive : StandInCmdlet
    {
        [Parameter(ParameterSetName = "Object", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public DvdDrive[] VMDvdDrive { get; set; } = Array.Empty<DvdDrive>();

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "VMName", Position = 1)] public int ControllerNumber { get; set; }
        [Parameter(ParameterSetName = "VMName", Position = 2)] public int ControllerLocation { get; set; }
        [Parameter(Position = 3), AllowNull, AllowEmptyString] public string Path { get; set; } = "";
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override void Act()
        {
            var drives = ParameterSetName == "Object" ? VMDvdDrive : Named(new[] { VMName }).SelectMany(Chosen);
            foreach (var drive in drives.ToList().Where(drive => Shall(drive.VMName)))
            {
                Try(() =>
                {
                    Do(drive);
                    if (Passthru)
                    {
                        WriteObject(drive);
                    }
                });
            }
        }

        private IEnumerable<DvdDrive> Chosen(VirtualMachine machine) => machine.DVDDrives.Where(drive =>
            (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber)
            && (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation));
    }
}
