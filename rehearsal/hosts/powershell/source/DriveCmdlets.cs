using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMHardDiskDrive", DefaultParameterSetName = "VMName")]
    public class GetVMHardDiskDrive : MachineCmdlet
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
            Write(VMSnapshot.HardDrives);
        }

        protected override void Act(VirtualMachine machine) => Write(machine.HardDrives);

        private void Write(IEnumerable<HardDiskDrive> drives) => WriteObject(drives.Where(drive =>
            (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation)
            && (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber)
            && (!Given(nameof(ControllerType)) || drive.ControllerType == ControllerType)), true);
    }

    [Cmdlet("Add", "VMHardDiskDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMHardDiskDrive : MachineCmdlet
    {
        [Parameter(Position = 1)] public ControllerType ControllerType { get; set; } = ControllerType.SCSI;
        [Parameter(Position = 2)] public int ControllerNumber { get; set; }
        [Parameter(Position = 3)] public int ControllerLocation { get; set; }
        [Parameter(Position = 4)] public string Path { get; set; } = "";
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override void Act(VirtualMachine machine)
        {
            if (ControllerType == ControllerType.IDE)
            {
                throw Refuse.Parameter("Generation 2 virtual machines do not support IDE.");
            }
            var path = Pc.Windows(Path);
            if (System.IO.Path.GetExtension(path).ToLowerInvariant() is ".vhd" or ".avhd")
            {
                throw Refuse.Parameter("Generation 2 virtual machines do not support .vhd or .avhd format.");
            }
            if (!ShouldProcess(machine.Name, "Add-VMHardDiskDrive"))
            {
                return;
            }
            var drive = Disks.Attach(
                machine, "drives", path, Given(nameof(ControllerNumber)) ? ControllerNumber : null,
                Given(nameof(ControllerLocation)) ? ControllerLocation : null);
            if (Passthru)
            {
                WriteObject(new HardDiskDrive(machine, drive));
            }
        }
    }

    /// <summary>What both Remove cmdlets for drives do with each one; a saved machine keeps its devices.</summary>
    public abstract class RemovesDrives : StandInCmdlet
    {
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected void Detach(IEnumerable<Drive> drives, string device)
        {
            foreach (var drive in drives.ToList())
            {
                Try(() => Detach(drive, device));
            }
        }

        private void Detach(Drive drive, string device)
        {
            if (drive.Machine.State == VMState.Saved)
            {
                throw Refuse.DeviceInUse(drive.Machine, device);
            }
            if (!ShouldProcess(drive.VMName, MyInvocation.MyCommand.Name))
            {
                return;
            }
            drive.Remove();
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

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 1)]
        public ControllerType ControllerType { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 2)]
        public int ControllerNumber { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 3)]
        public int ControllerLocation { get; set; }

        protected override void Act() => Detach(
            ParameterSetName == "VMHardDiskDrive"
                ? VMHardDiskDrive
                : Named(new[] { VMName }).SelectMany(vm => vm.HardDrives).Where(drive =>
                    drive.ControllerNumber == ControllerNumber && drive.ControllerLocation == ControllerLocation),
            "Virtual Hard Disk");
    }

    [Cmdlet("Get", "VMDvdDrive", DefaultParameterSetName = "VMName")]
    public class GetVMDvdDrive : MachineCmdlet
    {
        [Parameter] public int ControllerLocation { get; set; }
        [Parameter] public int ControllerNumber { get; set; }

        protected override void Act(VirtualMachine machine) => WriteObject(machine.DVDDrives.Where(drive =>
            (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation)
            && (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber)), true);
    }

    [Cmdlet("Add", "VMDvdDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMDvdDrive : MachineCmdlet
    {
        [Parameter(Position = 2)] public int ControllerNumber { get; set; }
        [Parameter(Position = 3)] public int ControllerLocation { get; set; }
        [Parameter(Position = 4)] public string Path { get; set; } = "";
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected override void Act(VirtualMachine machine)
        {
            if (!ShouldProcess(machine.Name, "Add-VMDvdDrive"))
            {
                return;
            }
            var drive = Disks.Attach(
                machine, "dvds", Path == "" ? null : Pc.Windows(Path),
                Given(nameof(ControllerNumber)) ? ControllerNumber : null,
                Given(nameof(ControllerLocation)) ? ControllerLocation : null);
            if (Passthru)
            {
                WriteObject(new DvdDrive(machine, drive));
            }
        }
    }

    [Cmdlet("Remove", "VMDvdDrive", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class RemoveVMDvdDrive : RemovesDrives
    {
        [Parameter(ParameterSetName = "VMDvdDrive", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public DvdDrive[] VMDvdDrive { get; set; } = Array.Empty<DvdDrive>();

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 1)]
        public int ControllerNumber { get; set; }

        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 2)]
        public int ControllerLocation { get; set; }

        protected override void Act() => Detach(
            ParameterSetName == "VMDvdDrive"
                ? VMDvdDrive
                : Named(new[] { VMName }).SelectMany(vm => vm.DVDDrives).Where(drive =>
                    drive.ControllerNumber == ControllerNumber && drive.ControllerLocation == ControllerLocation),
            "Virtual CD/DVD Disk");
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
            foreach (var drive in drives.ToList())
            {
                Try(() => Insert(drive));
            }
        }

        private IEnumerable<DvdDrive> Chosen(VirtualMachine machine) => machine.DVDDrives.Where(drive =>
            (!Given(nameof(ControllerNumber)) || drive.ControllerNumber == ControllerNumber)
            && (!Given(nameof(ControllerLocation)) || drive.ControllerLocation == ControllerLocation));

        private void Insert(DvdDrive drive)
        {
            var path = string.IsNullOrEmpty(Path) ? null : Pc.Windows(Path);
            if (path is not null && !Pc.FileExists(path))
            {
                throw Refuse.NotFound(
                    "Failed to modify device 'Virtual CD/DVD Disk'.\n" +
                    "The system cannot find the file specified. (0x80070002)");
            }
            if (Pc.Listed("barred_files", path))
            {
                throw Disks.NoPermission("modify", "Virtual CD/DVD Disk", path!);
            }
            if (!ShouldProcess(drive.VMName, "Set-VMDvdDrive"))
            {
                return;
            }
            drive.Change(data => data["path"] = path);
            if (Passthru)
            {
                WriteObject(drive);
            }
        }
    }
}
