using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => VMNetworkAdapter.Length > 0
            ? VMNetworkAdapter
            : Named(VMName).SelectMany(vm => Name.DefaultIfEmpty("").SelectMany(name => Of(vm, name))).ToList();

        protected override void Act(VMNetworkAdapterBase adapter)
        {
            var name = SwitchNamed(VMSwitch?.Name ?? SwitchName);
            adapter.Change(data => data["switch"] = name);
        }
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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => VMNetworkAdapter.Length > 0
            ? VMNetworkAdapter
            : Named(VMName).SelectMany(vm => Name.DefaultIfEmpty("").SelectMany(name => Of(vm, name))).ToList();

        protected override void Act(VMNetworkAdapterBase adapter) => adapter.Change(data => data["switch"] = null);
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
                WriteObject(VMInternalNetworkAdapter.All().Select(own => new VMNetworkAdapterVlanSetting(own)), true);
                return;
            }
            var machines = ParameterSetName == "VMObject" ? VM : VMName.Length == 0 ? All() : Named(VMName);
            IEnumerable<VMNetworkAdapterBase> adapters = ParameterSetName == "ResourceObject"
                ? VMNetworkAdapter
                : machines.SelectMany(vm => Adapter.Of(vm, VMNetworkAdapterName));
            WriteObject(adapters.Select(adapter => adapter.VlanSetting), true);
        }
    }

    [Cmdlet("Set", "VMNetworkAdapterVlan", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class SetVMNetworkAdapterVlan : ManyAdapters
    {
        private const int HighestVlan = 4094;

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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => Choose(VMName, VMNetworkAdapterName).ToList();

        protected override void Act()
        {
            if (!ManagementOS)
            {
                base.Act();
                return;
            }
            Validate();
            Pc.Change(state =>
            {
                var own = state["management_adapters"]?.AsArray().FirstOrDefault(
                    one => Matches(VMNetworkAdapterName, (string)one!["name"]!))
                    ?? throw Refuse.NotFound("No network adapter was found with the given criteria.");
                own["vlan"] = Access ? VlanId : null;
            });
        }

        protected override void Act(VMNetworkAdapterBase adapter)
        {
            Validate();
            adapter.Change(data => data["vlan"] = Access ? VlanId : null);
        }

        private void Validate()
        {
            if (Access == Untagged)
            {
                throw Refuse.Parameter("Specify exactly one VLAN mode.");
            }
            if (Access && VlanId is < 1 or > HighestVlan)
            {
                throw Refuse.Parameter($"The VLAN ID must be between 1 and {HighestVlan}.");
            }
        }
    }
}
