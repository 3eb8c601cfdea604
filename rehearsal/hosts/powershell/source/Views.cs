using System;
using System.Linq;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell
{
    /// <summary>One entry of a generation 2 VM's boot order.</summary>
    public class VMBootSource : VMComponentObject
    {
        private readonly VirtualMachine _machine;

        public VMBootSource(VirtualMachine machine, JsonObject entry) => (_machine, Entry) = (machine, entry);

        internal JsonObject Entry { get; }
        internal override JsonNode Reference => new JsonObject { ["vm"] = _machine.Key, ["entry"] = Entry.DeepClone() };

        public override string Name => Description;
        public override string Id => (string?)Entry["id"] ?? "";

        public BootSourceType BootType => (string)Entry["type"]! switch
        {
            "drive" => BootSourceType.Drive,
            "network" => BootSourceType.Network,
            "file" => BootSourceType.File,
            _ => BootSourceType.Unknown,
        };

        public string Description => (string?)Entry["description"] ?? BootType switch
        {
            BootSourceType.Drive => "EFI SCSI Device",
            BootSourceType.Network => "EFI Network",
            _ => "",
        };

        public string FirmwarePath => (string?)Entry["path"] ?? "";

        public VMComponentObject? Device => BootType == BootSourceType.Network
            ? _machine.NetworkAdapters.FirstOrDefault(adapter => adapter.Id == Id)
            : (VMComponentObject?)_machine.HardDrives.FirstOrDefault(drive => drive.Id == Id)
                ?? _machine.DVDDrives.FirstOrDefault(drive => drive.Id == Id);
    }

    public class VMFirmware : VirtualizationObject
    {
        public VMFirmware(VirtualMachine machine) => Machine = machine;

        internal VirtualMachine Machine { get; }
        internal override JsonNode Reference => Machine.Key;
        public string VMName => Machine.Name;
        public Guid VMId => Machine.Id;
        public VMBootSource[] BootOrder =>
            Machine.Items("boot_order").Select(entry => new VMBootSource(Machine, entry)).ToArray();
        public OnOffState SecureBoot => (bool)Machine.Data["secure_boot"]! ? OnOffState.On : OnOffState.Off;
        public string SecureBootTemplate => (string)Machine.Data["secure_boot_template"]!;
        public Guid? SecureBootTemplateId =>
            Guid.Parse((string)Pc.State["secure_boot_templates"]![SecureBootTemplate]!);
        public IPProtocolPreference PreferredNetworkBootProtocol => IPProtocolPreference.IPv4;
        public OnOffState PauseAfterBootFailure => OnOffState.Off;
    }

    public class VMMemory : VirtualizationObject
    {
        public VMMemory(VirtualMachine machine) => Machine = machine;

        internal VirtualMachine Machine { get; }
        internal override JsonNode Reference => Machine.Key;
        public string VMName => Machine.Name;
        public bool DynamicMemoryEnabled => Machine.DynamicMemoryEnabled;
        public long Startup => Machine.MemoryStartup;
        public long Minimum => Machine.MemoryMinimum;
        public long Maximum => Machine.MemoryMaximum;
    }

    public class VMProcessor : VirtualizationObject
    {
        public VMProcessor(VirtualMachine machine) => Machine = machine;

        internal VirtualMachine Machine { get; }
        internal override JsonNode Reference => Machine.Key;
        public string VMName => Machine.Name;
        public long Count => Machine.ProcessorCount;
        public bool CompatibilityForMigrationEnabled => (bool)Machine.Data["processor_compatibility"]!;
        public bool ExposeVirtualizationExtensions => (bool)Machine.Data["nested"]!;
    }

    public class VMIntegrationComponent : VirtualizationObject
    {
        public VMIntegrationComponent(VirtualMachine machine, string name, string id, bool enabled) =>
            (Machine, Name, Id, Enabled) = (machine, name, id, enabled);

        internal VirtualMachine Machine { get; }
        internal override JsonNode Reference => Machine.Key;
        public string VMName => Machine.Name;
        public string Name { get; }
        public string Id { get; }
        public bool Enabled { get; }

        public VMIntegrationComponentOperationalStatus? PrimaryOperationalStatus
        {
            get
            {
                if (Machine.State != VMState.Running || !Enabled)
                {
                    return null;
                }
                return (bool)Machine.Data["shutdown_service"]!
                    ? VMIntegrationComponentOperationalStatus.Ok
                    : VMIntegrationComponentOperationalStatus.NoContact;
            }
        }
    }

    public class VMSwitch : VirtualizationObject
    {
        private readonly JsonObject _data;

        public VMSwitch(JsonObject data) => _data = data;

        internal override JsonNode Reference => _data.DeepClone();

        public Guid Id => Guid.Parse((string)_data["id"]!);
        public string Name => (string)_data["name"]!;
        public VMSwitchType SwitchType => Enum.Parse<VMSwitchType>((string)_data["type"]!);
        public bool AllowManagementOS => (bool)_data["allow_management_os"]!;
        public string Notes => (string)_data["notes"]!;
        public string? NetAdapterInterfaceDescription => (string?)_data["adapter_description"];
        public string[] NetAdapterInterfaceDescriptions => Adapters(a => (string)a["description"]!);
        public Guid[] NetAdapterInterfaceGuid => Adapters(a => Guid.Parse((string)a["guid"]!));
        public bool EmbeddedTeamingEnabled => false;
        public bool SoftwareRscEnabled => (bool?)_data["software_rsc"] ?? true;

        private T[] Adapters<T>(Func<JsonNode, T> value) => Pc.State["adapters"]!.AsArray()
            .Where(adapter => (string)adapter!["name"]! == (string?)_data["adapter"])
            .Select(adapter => value(adapter!)).ToArray();
    }

    public class VMHostSecureBootTemplate
    {
        public VMHostSecureBootTemplate(string name, Guid id) => (Name, Id) = (name, id);

        public string Name { get; }
        public Guid Id { get; }
        public string Description => Name;

        public override string ToString() => Name;
    }

    public class VMHost : VirtualizationObject
    {
        internal override JsonNode Reference => Name;

        public string Name => Pc.Name;
        public long LogicalProcessorCount => (long)Pc.State["cpu"]!["logical"]!;
        public long MemoryCapacity => (long)Pc.State["memory_bytes"]!;
        public string VirtualMachinePath => (string)Pc.State["vm_path"]!;
        public string VirtualHardDiskPath => (string)Pc.State["vhd_path"]!;
        public string MacAddressMinimum => "00155D0A0B00";
        public string MacAddressMaximum => "00155D0A0BFF";
        public VMHostSecureBootTemplate[] SecureBootTemplates => Pc.State["secure_boot_templates"]!.AsObject()
            .Select(pair => new VMHostSecureBootTemplate(pair.Key, Guid.Parse((string)pair.Value!))).ToArray();
    }
}

namespace Microsoft.Vhd.PowerShell
{
    /// <summary>A virtual hard disk file; here a small JSON file, whose content lies elsewhere.</summary>
    public class VirtualHardDisk
    {
        private readonly JsonObject _data;

        public VirtualHardDisk(JsonNode data) => _data = data.AsObject();

        public string ComputerName => Pc.Name;
        public string Path => (string)_data["path"]!;
        public VhdFormat VhdFormat => VhdFormat.VHDX;
        public VhdType VhdType => Enum.Parse<VhdType>((string)_data["type"]!);
        public ulong Size => (ulong)_data["size_bytes"]!;
        public ulong FileSize => (ulong)_data["file_bytes"]!;
        public uint BlockSize => (uint)_data["block_size_bytes"]!;
        public string ParentPath => "";
        public string DiskIdentifier => ((string)_data["vhd"]!).ToUpperInvariant();
        public bool Attached => Pc.Machines.Where(vm => (string)vm.Value!["state"]! != "Off")
            .SelectMany(vm => vm.Value!["drives"]!.AsArray()).Any(drive => string.Equals((string?)drive!["path"], Path, StringComparison.OrdinalIgnoreCase));
    }
}
