using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell
{
    public abstract class VirtualizationObject
    {
        public string ComputerName => Pc.Name;

        /// <summary>What names it to the model.</summary>
        internal abstract JsonNode Reference { get; }
    }

    /// <summary>What can stand in a boot order: a device, or a boot source.</summary>
    public abstract class VMComponentObject : VirtualizationObject
    {
        public abstract string Name { get; }
        public abstract string Id { get; }
    }

    public abstract class VirtualMachineBase : VirtualizationObject
    {
        public abstract Guid Id { get; }
        public abstract string Name { get; }
    }

    /// <summary>A VM; as on Windows, its properties follow what other cmdlets change.</summary>
    public class VirtualMachine : VirtualMachineBase
    {
        private readonly string _id;
        private JsonObject _last;

        public VirtualMachine(string id) => (_id, _last) = (id, Pc.Machines[id]?.AsObject() ?? new JsonObject());

        internal JsonObject Data => _last = Pc.Machines[_id]?.AsObject() ?? _last;
        internal string Key => _id;
        internal override JsonNode Reference => _id;
        internal bool Merging => Data["merging_until"] is { } until && (double)until > Pc.Now;
        internal bool Off => State == VMState.Off;

        public override Guid Id => Guid.Parse(_id);
        public Guid VMId => Id;
        public override string Name => (string)Data["name"]!;
        public string VMName => Name;
        public VMState State => Enum.Parse<VMState>((string)Data["state"]!);
        public string Status => "Operating normally";
        public VMOperationalStatus[] OperationalStatus => Merging
            ? new[] { VMOperationalStatus.InService, VMOperationalStatus.MergingDisks }
            : new[] { VMOperationalStatus.Ok };
        public VMHeartbeatStatus? Heartbeat => Off ? null : Enum.Parse<VMHeartbeatStatus>((string)Data["heartbeat"]!);
        public string Notes => (string)Data["notes"]!;
        public string Path => (string)Data["path"]!;
        public string ConfigurationLocation => Path;
        public int Generation => (int)Data["generation"]!;
        public string Version => (string)Data["version"]!;
        public DateTime CreationTime => DateTime.UnixEpoch.AddSeconds((double)Data["created_at"]!).ToLocalTime();
        public long ProcessorCount => (long)Data["cpus"]!;
        public int CPUUsage => 0;
        public long MemoryStartup => (long)Data["memory_bytes"]!;
        public long MemoryMinimum => (long)Data["memory_minimum_bytes"]!;
        public long MemoryMaximum => (long)Data["memory_maximum_bytes"]!;
        public long MemoryAssigned => State == VMState.Running ? MemoryStartup : 0;
        public bool DynamicMemoryEnabled => (bool)Data["dynamic_memory"]!;
        public StartAction AutomaticStartAction => Enum.Parse<StartAction>((string)Data["start_action"]!);
        public StopAction AutomaticStopAction => Enum.Parse<StopAction>((string)Data["stop_action"]!);
        public int AutomaticStartDelay => (int)Data["start_delay_s"]!;
        public bool AutomaticCheckpointsEnabled => (bool)Data["automatic_checkpoints"]!;
        public CheckpointType CheckpointType => Enum.Parse<CheckpointType>((string)Data["checkpoint_type"]!);
        public string? ParentSnapshotName => Snapshots.LastOrDefault()?.Name;
        public string IntegrationServicesState => "";
        public Version IntegrationServicesVersion => new(0, 0);

        public TimeSpan Uptime => Data["started_at"] is { } started
            ? DateTime.UtcNow - DateTime.UnixEpoch.AddSeconds((double)started)
            : TimeSpan.Zero;

        public List<VMNetworkAdapter> NetworkAdapters =>
            Items("adapters").Select(adapter => new VMNetworkAdapter(this, adapter)).ToList();
        public List<HardDiskDrive> HardDrives => Items("drives").Select(d => new HardDiskDrive(this, d)).ToList();
        public List<DvdDrive> DVDDrives => Items("dvds").Select(d => new DvdDrive(this, d)).ToList();
        internal List<VMSnapshot> Snapshots => Items("snapshots").Select(s => new VMSnapshot(this, s)).ToList();

        internal IEnumerable<JsonObject> Items(string list) => Data[list]!.AsArray().Select(item => item!.AsObject());

        public override string ToString() => $"VirtualMachine (Name = '{Name}') [Id = '{Id}']";
    }

    /// <summary>A part of a VM, found again in the state by its id.</summary>
    public abstract class VMDevice : VMComponentObject
    {
        private readonly string _list;
        private JsonObject _last;

        protected VMDevice(VirtualMachine machine, string list, JsonObject data) =>
            (Machine, _list, _last) = (machine, list, data);

        internal VirtualMachine Machine { get; }
        internal virtual JsonObject Data =>
            _last = Machine.Items(_list).FirstOrDefault(item => (string)item["id"]! == Id) ?? _last;

        /// <summary>As it stands in a boot order, and the VM and its list with it.</summary>
        internal override JsonNode Reference => new JsonObject
        {
            ["vm"] = Machine.Key, ["kind"] = _list, ["type"] = _list == "adapters" ? "network" : "drive", ["id"] = Id,
        };

        public override string Id => (string)_last["id"]!;
        public Guid VMId => Machine.Id;
        public string VMName => Machine.Name;
    }

    public class VMNetworkAdapterBase : VMDevice
    {
        internal VMNetworkAdapterBase(VirtualMachine machine, JsonObject data) : base(machine, "adapters", data) { }

        public override string Name => (string)Data["name"]!;
        public string AdapterId => Id[(Id.LastIndexOf('\\') + 1)..];
        public string SwitchName => (string?)Data["switch"] ?? "";
        public string MacAddress => (string)Data["mac"]!;
        public bool DynamicMacAddressEnabled => (bool)Data["dynamic_mac"]!;
        public bool IsManagementOs => false;
        public bool Connected => SwitchName != "";
        public OnOffState DhcpGuard => Switch("dhcp_guard");
        public OnOffState RouterGuard => Switch("router_guard");
        public OnOffState MacAddressSpoofing => Switch("mac_spoofing");
        public string[] IPAddresses => Data["addresses"]!.AsArray().Select(address => (string)address!).ToArray();
        public VMNetworkAdapterVlanSetting VlanSetting => new(this);

        private OnOffState Switch(string key) => (bool)Data[key]! ? OnOffState.On : OnOffState.Off;
    }

    public class VMNetworkAdapter : VMNetworkAdapterBase
    {
        public VMNetworkAdapter(VirtualMachine machine, JsonObject data) : base(machine, data) { }

        public bool IsLegacy => false;
    }

    /// <summary>An adapter of the PC's own on a switch that it shares: one named as the switch, and those added.</summary>
    public class VMInternalNetworkAdapter : VirtualizationObject
    {
        private VMInternalNetworkAdapter(JsonNode one) => (Name, SwitchName, Vlan, DeviceId) = (
            (string)one["name"]!, (string)one["switch"]!, (int?)one["vlan"], $"{{{((string)one["device"]!).ToUpperInvariant()}}}");

        public string Name { get; }
        public string DeviceId { get; }
        public string SwitchName { get; }
        public bool IsManagementOs => true;
        internal int? Vlan { get; }

        internal override JsonNode Reference => Name;

        public static IEnumerable<VMInternalNetworkAdapter> Of(JsonNode? all) =>
            all!.AsArray().Select(one => new VMInternalNetworkAdapter(one!));
    }

    public class VMNetworkAdapterVlanSetting
    {
        private readonly Func<int?> _vlan;

        public VMNetworkAdapterVlanSetting(VMNetworkAdapterBase adapter) =>
            (ParentAdapter, _vlan) = (adapter, () => (int?)adapter.Data["vlan"]);

        public VMNetworkAdapterVlanSetting(VMInternalNetworkAdapter adapter) =>
            (ParentAdapter, _vlan) = (adapter, () => adapter.Vlan);

        public VirtualizationObject ParentAdapter { get; }
        public VMNetworkAdapterVlanMode OperationMode =>
            _vlan() is null ? VMNetworkAdapterVlanMode.Untagged : VMNetworkAdapterVlanMode.Access;
        public int AccessVlanId => _vlan() ?? 0;
        public int NativeVlanId => 0;
        public string AllowedVlanIdListString => "";
    }

    public abstract class Drive : VMDevice
    {
        protected Drive(VirtualMachine machine, string list, JsonObject data) : base(machine, list, data) { }

        public string Path => (string?)Data["path"] ?? "";
        public ControllerType ControllerType => ControllerType.SCSI;
        public int ControllerNumber => (int)Data["controller"]!;
        public int ControllerLocation => (int)Data["location"]!;
    }

    public class HardDiskDrive : Drive
    {
        private readonly JsonObject? _frozen;

        public HardDiskDrive(VirtualMachine machine, JsonObject data, bool isFrozen = false)
            : base(machine, "drives", data) => _frozen = isFrozen ? data : null;

        /// <summary>A checkpoint's drive stays as it was, whatever the VM's own one of that id holds now.</summary>
        internal override JsonObject Data => _frozen ?? base.Data;

        public override string Name =>
            $"Hard Drive on SCSI controller number {ControllerNumber} at location {ControllerLocation}";
    }

    public class DvdDrive : Drive
    {
        public DvdDrive(VirtualMachine machine, JsonObject data) : base(machine, "dvds", data) { }

        public override string Name =>
            $"DVD Drive on SCSI controller number {ControllerNumber} at location {ControllerLocation}";
    }

    public class VMSnapshot : VirtualMachineBase
    {
        private readonly JsonObject _data;

        public VMSnapshot(VirtualMachine machine, JsonObject data) => (Machine, _data) = (machine, data);

        internal VirtualMachine Machine { get; }
        internal override JsonNode Reference => new JsonObject { ["vm"] = Machine.Key, ["id"] = (string)_data["id"]! };
        internal IEnumerable<HardDiskDrive> HardDrives => _data["config"]!["drives"]!.AsArray()
            .Select(drive => new HardDiskDrive(Machine, drive!.AsObject(), isFrozen: true));
        public override Guid Id => Guid.Parse((string)_data["id"]!);
        public override string Name => (string)_data["name"]!;
        public string VMName => Machine.Name;
        public Guid VMId => Machine.Id;
        public SnapshotType SnapshotType => SnapshotType.Standard;
        public bool IsAutomaticCheckpoint => (bool?)_data["automatic"] ?? false;
        public DateTime CreationTime => DateTime.UnixEpoch.AddSeconds((double)_data["created_at"]!).ToLocalTime();
    }
}
