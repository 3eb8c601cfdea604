using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Get", "VMNetworkAdapter", DefaultParameterSetName = "VMName")]
    public class GetVMNetworkAdapter : MachineCmdlet
    {
        [Parameter(Position = 1)]
        [Alias("VMNetworkAdapterName")]
        public string Name { get; set; } = "";

        [Parameter(ParameterSetName = "All", Mandatory = true)]
        public SwitchParameter All { get; set; }

        [Parameter(ParameterSetName = "ManagementOS", Mandatory = true)]
        public SwitchParameter ManagementOS { get; set; }

        [Parameter(ParameterSetName = "ManagementOS")] public string SwitchName { get; set; } = "";
        [Parameter(ParameterSetName = "ManagementOS")] public string[] ComputerName { get; set; } = Array.Empty<string>();

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "All" ? StandInCmdlet.All() : base.Targets;

        protected override void Act()
        {
            if (ManagementOS)
            {
                WriteObject(VMInternalNetworkAdapter.Of(Do()), true);
                return;
            }
            base.Act();
        }

        protected override void Act(VirtualMachine machine) => WriteObject(Adapter.Of(machine, Name), true);
    }

    [Cmdlet("Add", "VMNetworkAdapter", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMNetworkAdapter : MachineChange
    {
        [Parameter] public string SwitchName { get; set; } = "";
        [Parameter, Alias("VMNetworkAdapterName")] public string Name { get; set; } = "";
        [Parameter] public SwitchParameter DynamicMacAddress { get; set; }
        [Parameter] public string StaticMacAddress { get; set; } = "";
        [Parameter(ParameterSetName = "ManagementOS")] public SwitchParameter ManagementOS { get; set; }

        protected override object Changed(VirtualMachine machine, JsonNode? made) =>
            new VMNetworkAdapter(machine, made!.AsObject());

        protected override void Act()
        {
            if (ManagementOS)
            {
                Do();
                return;
            }
            base.Act();
        }
    }

    /// <summary>A cmdlet about adapters: the given ones, or those of VMs with a name to choose.</summary>
    public abstract class Adapter : StandInCmdlet
    {
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected abstract IEnumerable<VMNetworkAdapterBase> Targets { get; }

        /// <summary>What the cmdlet does with the PC's own adapters instead; whether it was asked to.</summary>
        protected virtual bool IsAboutManagement => false;

        public static IEnumerable<VMNetworkAdapterBase> Of(VirtualMachine machine, string name)
        {
            var found = Texts(Model.Do("Get-VMNetworkAdapter", machine, new Hashtable { ["Name"] = name }));
            return machine.NetworkAdapters.Where(adapter => found.Contains(adapter.Id));
        }

        protected IEnumerable<VMNetworkAdapterBase> Choose(
            IEnumerable<VMNetworkAdapterBase?> given, IEnumerable<VirtualMachine?> machines, IEnumerable<string> vmNames,
            params string[] names)
        {
            var chosen = machines.OfType<VirtualMachine>().Concat(Named(vmNames.Where(name => name != "")));
            return given.OfType<VMNetworkAdapterBase>()
                .Concat(chosen.SelectMany(vm => names.DefaultIfEmpty("").SelectMany(name => Of(vm, name)))).ToList();
        }

        protected override void Act()
        {
            if (IsAboutManagement)
            {
                Do();
                return;
            }
            foreach (var adapter in Targets.Where(adapter => Shall(adapter.VMName)))
            {
                Try(() =>
                {
                    Do(adapter);
                    if (Passthru)
                    {
                        WriteObject(adapter);
                    }
                });
            }
        }
    }

    [Cmdlet("Set", "VMNetworkAdapter", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMNetworkAdapter : Adapter
    {
        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public string VMName { get; set; } = "";

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine VM { get; set; } = null!;

        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapterBase VMNetworkAdapter { get; set; } = null!;

        [Parameter(ParameterSetName = "VMName"), Parameter(ParameterSetName = "VMObject")]
        [Alias("VMNetworkAdapterName")]
        public string Name { get; set; } = "";

        [Parameter] public SwitchParameter DynamicMacAddress { get; set; }
        [Parameter] public string StaticMacAddress { get; set; } = "";
        [Parameter] public OnOffState MacAddressSpoofing { get; set; }
        [Parameter] public OnOffState DhcpGuard { get; set; }
        [Parameter] public OnOffState RouterGuard { get; set; }

        protected override IEnumerable<VMNetworkAdapterBase> Targets =>
            Choose(new[] { VMNetworkAdapter }, new[] { VM }, new[] { VMName }, Name);
    }

    /// <summary>A cmdlet about adapters that takes several VMs or several adapters.</summary>
    public abstract class ManyAdapters : Adapter
    {
        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapterBase[] VMNetworkAdapter { get; set; } = Array.Empty<VMNetworkAdapterBase>();
    }

    [Cmdlet("Remove", "VMNetworkAdapter", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class RemoveVMNetworkAdapter : ManyAdapters
    {
        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMName"), Parameter(ParameterSetName = "VMObject")]
        [Parameter(ParameterSetName = "ManagementOS"), Alias("VMNetworkAdapterName")]
        public string Name { get; set; } = "";

        [Parameter(ParameterSetName = "ManagementOS", Mandatory = true)]
        public SwitchParameter ManagementOS { get; set; }

        [Parameter(ParameterSetName = "ManagementOS")]
        public string SwitchName { get; set; } = "";

        protected override bool IsAboutManagement => ManagementOS;
        protected override IEnumerable<VMNetworkAdapterBase> Targets => Choose(VMNetworkAdapter, VM, VMName, Name);
    }

    [Cmdlet("Rename", "VMNetworkAdapter", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class RenameVMNetworkAdapter : ManyAdapters
    {
        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMName", Position = 1), Parameter(ParameterSetName = "VMObject", Position = 1)]
        [Alias("VMNetworkAdapterName")]
        public string Name { get; set; } = "";

        [Parameter(Mandatory = true, Position = 2)]
        public string NewName { get; set; } = "";

        protected override IEnumerable<VMNetworkAdapterBase> Targets => Choose(VMNetworkAdapter, VM, VMName, Name);
    }

    [Cmdlet("Connect", "VMNetworkAdapter", DefaultParameterSetName = "Name_SwitchName", SupportsShouldProcess = true)]
    public class ConnectVMNetworkAdapter : Adapter
    {
        [Parameter(ParameterSetName = "Name_SwitchName", Mandatory = true, Position = 0)]
        [Parameter(ParameterSetName = "Name_SwitchObject", Mandatory = true, Position = 0)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "Name_SwitchName", Position = 1)]
        [Parameter(ParameterSetName = "Name_SwitchObject", Position = 1)]
        [Alias("VMNetworkAdapterName")]
        public string[] Name { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "Object_SwitchName", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Parameter(ParameterSetName = "Object_SwitchObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapter[] VMNetworkAdapter { get; set; } = Array.Empty<VMNetworkAdapter>();

        [Parameter(ParameterSetName = "Name_SwitchName", Mandatory = true, Position = 1)]
        [Parameter(ParameterSetName = "Object_SwitchName", Mandatory = true, Position = 1)]
        public string SwitchName { get; set; } = "";

        [Parameter(ParameterSetName = "Name_SwitchObject", Mandatory = true, Position = 2, ValueFromPipeline = true)]
        [Parameter(ParameterSetName = "Object_SwitchObject", Mandatory = true, Position = 2, ValueFromPipeline = true)]
        public VMSwitch VMSwitch { get; set; } = null!;

        protected override IEnumerable<VMNetworkAdapterBase> Targets =>
            Choose(VMNetworkAdapter, Array.Empty<VirtualMachine>(), VMName, Name);
    }

    [Cmdlet("Disconnect", "VMNetworkAdapter", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class DisconnectVMNetworkAdapter : Adapter
    {
        [Parameter(ParameterSetName = "Name", Mandatory = true, Position = 0)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "Name", Position = 1)]
        [Alias("VMNetworkAdapterName")]
        public string[] Name { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "Obj", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapter[] VMNetworkAdapter { get; set; } = Array.Empty<VMNetworkAdapter>();

        protected override IEnumerable<VMNetworkAdapterBase> Targets =>
            Choose(VMNetworkAdapter, Array.Empty<VirtualMachine>(), VMName, Name);
    }

    [Cmdlet("Get", "VMNetworkAdapterVlan", DefaultParameterSetName = "VMName")]
    public class GetVMNetworkAdapterVlan : StandInCmdlet
    {
        [Parameter(ParameterSetName = "VMName", ValueFromPipeline = true, Position = 0)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapterBase[] VMNetworkAdapter { get; set; } = Array.Empty<VMNetworkAdapterBase>();

        [Parameter(ParameterSetName = "VMName"), Parameter(ParameterSetName = "VMObject")]
        public string VMNetworkAdapterName { get; set; } = "";

        [Parameter(ParameterSetName = "ManagementOS", Mandatory = true)]
        public SwitchParameter ManagementOS { get; set; }

        protected override void Act()
        {
            if (ManagementOS)
            {
                var all = VMInternalNetworkAdapter.Of(Model.Do("Get-VMNetworkAdapter"));
                WriteObject(all.Select(own => new VMNetworkAdapterVlanSetting(own)), true);
                return;
            }
            Do();
            var machines = ParameterSetName == "VMObject" ? VM : VMName.Length == 0 ? All() : Named(VMName);
            var adapters = ParameterSetName == "ResourceObject"
                ? VMNetworkAdapter
                : machines.SelectMany(vm => Adapter.Of(vm, VMNetworkAdapterName));
            WriteObject(adapters.Select(adapter => adapter.VlanSetting), true);
        }
    }

    [Cmdlet("Set", "VMNetworkAdapterVlan", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMNetworkAdapterVlan : ManyAdapters
    {
        [Parameter(ParameterSetName = "VMName", Position = 0, ValueFromPipeline = true, Mandatory = true)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMName"), Parameter(ParameterSetName = "VMObject")]
        [Parameter(ParameterSetName = "ManagementOS")]
        public string VMNetworkAdapterName { get; set; } = "";

        [Parameter(ParameterSetName = "ManagementOS", Mandatory = true)]
        public SwitchParameter ManagementOS { get; set; }

        [Parameter, Alias("u")] public SwitchParameter Untagged { get; set; }
        [Parameter, Alias("a")] public SwitchParameter Access { get; set; }
        [Parameter, Alias("AccessVlanId")] public int VlanId { get; set; }

        protected override bool IsAboutManagement => ManagementOS;
        protected override IEnumerable<VMNetworkAdapterBase> Targets =>
            Choose(VMNetworkAdapter, VM, VMName, VMNetworkAdapterName);
    }
}
