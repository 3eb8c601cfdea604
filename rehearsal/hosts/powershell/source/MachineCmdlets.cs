using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Microsoft.Vhd.PowerShell;
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
            if (ParameterSetName == "Id" && Given(nameof(Id)))
            {
                var data = Pc.Machines[Id.ToString()] ?? throw Refuse.NoMachineWithId(Id.ToString());
                WriteObject(new VirtualMachine(data.AsObject()));
                return;
            }
            WriteObject(Name.Length == 0 ? All() : Named(Name, asArgument: true), true);
        }
    }

    [Cmdlet("New", "VM", DefaultParameterSetName = "No VHD", SupportsShouldProcess = true)]
    public class NewVM : StandInCmdlet
    {
        private const long DefaultMemory = 512L << 20;

        [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        [Alias("VMName")]
        public string Name { get; set; } = "New Virtual Machine";

        [Parameter(Position = 1)]
        public long MemoryStartupBytes { get; set; } = DefaultMemory;

        [Parameter(Position = 2), ValidateSet("1", "2")]
        public short Generation { get; set; } = 1;

        [Parameter]
        public BootDevice BootDevice { get; set; } = BootDevice.NetworkAdapter;

        [Parameter]
        public string SwitchName { get; set; } = "";

        [Parameter]
        public string Path { get; set; } = "";

        [Parameter(ParameterSetName = "No VHD")]
        public SwitchParameter NoVHD { get; set; }

        [Parameter(ParameterSetName = "New VHD", Mandatory = true)]
        public string NewVHDPath { get; set; } = "";

        [Parameter(ParameterSetName = "New VHD", Mandatory = true)]
        public ulong NewVHDSizeBytes { get; set; }

        [Parameter(ParameterSetName = "Existing VHD", Mandatory = true)]
        public string VHDPath { get; set; } = "";

        [Parameter]
        public SwitchParameter Force { get; set; }

        protected override void Act()
        {
            CheckArguments();
            if (!ShouldProcess(Pc.Name, $"New-VM will create a new virtual machine \"{Name}\"."))
            {
                return;
            }
            var id = Guid.NewGuid().ToString();
            var folder = Pc.Windows(System.IO.Path.Combine(Path == "" ? (string)Pc.State["vm_path"]! : Path, Name));
            var data = Fresh(id, folder, SwitchName == "" ? null : SwitchNamed(SwitchName));
            var place = Pc.Real(folder) ?? throw Refuse.NotFound(
                $"Failed to create a new virtual machine.\n'{Name}' failed to realize. (Virtual machine ID " +
                $"{id.ToUpperInvariant()})\nFailed to access configuration store: The system cannot find the path " +
                "specified. (0x80070003).");
            Pc.Change(state => state["vms"]!.AsObject().Add(id, data));
            MakeConfiguration(place, id);
            var machine = new VirtualMachine(data);
            try
            {
                AttachDisk(machine);
            }
            catch (VirtualizationException)
            {
                Pc.Change(state => state["vms"]!.AsObject().Remove(id));
                throw;
            }
            WriteObject(machine);
        }

        /// <summary>What the cmdlet refuses before it makes anything.</summary>
        private void CheckArguments()
        {
            MemoryRules.Check(Name, MemoryStartupBytes);
            var old = BootDevice is BootDevice.Floppy or BootDevice.IDE or BootDevice.LegacyNetworkAdapter;
            if (Generation == 2 && old)
            {
                throw Refuse.Parameter($"Generation 2 virtual machines do not support {BootDevice}.");
            }
            if (NewVHDPath != "" && !NewVHDPath.EndsWith(".vhdx", StringComparison.OrdinalIgnoreCase))
            {
                throw Refuse.Parameter("The path for a new virtual hard disk must use the .VHDX file extension.");
            }
        }

        private void AttachDisk(VirtualMachine machine)
        {
            if (NewVHDPath != "")
            {
                Disks.Create(Pc.Windows(NewVHDPath), NewVHDSizeBytes, VhdType.Dynamic, Disks.DefaultBlock);
            }
            var path = NewVHDPath + VHDPath;
            if (path != "")
            {
                Disks.Attach(machine, "drives", Pc.Windows(path), null, null);
            }
        }

        private static void MakeConfiguration(string place, string id)
        {
            Directory.CreateDirectory(System.IO.Path.Combine(place, "Virtual Machines"));
            File.WriteAllText(System.IO.Path.Combine(place, "Virtual Machines", id.ToUpperInvariant() + ".vmcx"), "");
        }

        private JsonObject Fresh(string id, string folder, string? switchName)
        {
            var adapter = Adapters.Fresh(id, "Network Adapter", switchName, null);
            return new JsonObject
            {
                ["id"] = id, ["name"] = Name, ["notes"] = "", ["state"] = "Off", ["path"] = folder,
                ["generation"] = (int)Generation, ["version"] = "12.0", ["created_at"] = Clock.Now, ["cpus"] = 1,
                ["processor_compatibility"] = false, ["nested"] = false, ["memory_bytes"] = MemoryStartupBytes,
                ["memory_minimum_bytes"] = DefaultMemory, ["memory_maximum_bytes"] = 1L << 40,
                // Client Windows switches dynamic memory and automatic checkpoints on for a new VM.
                ["dynamic_memory"] = true, ["automatic_checkpoints"] = true, ["checkpoint_type"] = "Production",
                ["start_action"] = "StartIfRunning", ["stop_action"] = "Save", ["start_delay_s"] = 0,
                ["heartbeat"] = "NoContact", ["shutdown_service"] = false, ["adapters"] = new JsonArray(adapter),
                ["drives"] = new JsonArray(), ["dvds"] = new JsonArray(), ["snapshots"] = new JsonArray(),
                ["boot_order"] = new JsonArray(
                    new JsonObject { ["type"] = "network", ["id"] = (string)adapter["id"]! }),
                ["secure_boot"] = Generation == 2, ["secure_boot_template"] = "MicrosoftWindows",
                ["power_on_count"] = 0, ["started_at"] = null,
            };
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

        /// <summary>Memory, processors, the rest, each on its own: a failure leaves the earlier ones.</summary>
        protected override void Act(VirtualMachine machine)
        {
            if (!ShouldProcess(machine.Name, "Set-VM"))
            {
                return;
            }
            MemoryRules.Apply(
                machine,
                DynamicMemory ? true : StaticMemory ? false : null,
                Given(nameof(MemoryStartupBytes)) ? MemoryStartupBytes : null,
                Given(nameof(MemoryMinimumBytes)) ? MemoryMinimumBytes : null,
                Given(nameof(MemoryMaximumBytes)) ? MemoryMaximumBytes : null);
            if (Given(nameof(ProcessorCount)))
            {
                ProcessorRules.SetCount(machine, ProcessorCount);
            }
            Pc.ChangeMachine(machine.Key, vm =>
            {
                Put(vm, nameof(AutomaticStartAction), "start_action", AutomaticStartAction.ToString());
                Put(vm, nameof(AutomaticStopAction), "stop_action", AutomaticStopAction.ToString());
                Put(vm, nameof(AutomaticStartDelay), "start_delay_s", AutomaticStartDelay);
                Put(vm, nameof(AutomaticCheckpointsEnabled), "automatic_checkpoints", AutomaticCheckpointsEnabled);
                Put(vm, nameof(CheckpointType), "checkpoint_type", CheckpointType.ToString());
                Put(vm, nameof(Notes), "notes", Notes);
                Put(vm, nameof(NewVMName), "name", NewVMName);
            });
        }

        private void Put(JsonObject vm, string parameter, string key, JsonNode value)
        {
            if (Given(parameter))
            {
                vm[key] = value;
            }
        }
    }

    [Cmdlet("Remove", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class RemoveVM : NamedMachineCmdlet
    {
        [Parameter] public SwitchParameter Force { get; set; }

        protected override void Act(VirtualMachine machine)
        {
            var question = $"Are you sure you want to remove virtual machine \"{machine.Name}\"?";
            if (!ShouldProcess(machine.Name, "Remove-VM") || !(Force || Ask(question, "Confirm")))
            {
                return;
            }
            if (machine.State is not (VMState.Off or VMState.Saved))
            {
                throw Refuse.State(
                    "The operation failed.\n" +
                    "The operation cannot be performed while the object is in its current state.");
            }
            var folder = Pc.Real(System.IO.Path.Combine(machine.Path, "Virtual Machines"));
            Pc.Change(state => state["vms"]!.AsObject().Remove(machine.Key));
            if (folder is not null)
            {
                File.Delete(System.IO.Path.Combine(folder, machine.Key.ToUpperInvariant() + ".vmcx"));
            }
        }
    }
}
