using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => ParameterSetName switch
        {
            "ResourceObject" => new[] { VMNetworkAdapter },
            "VMObject" => Of(VM, Name),
            _ => Named(new[] { VMName }).SelectMany(vm => Of(vm, Name)),
        };

        /// <summary>The MAC first, then the guards: a refused MAC leaves the guards alone.</summary>
        protected override void Act(VMNetworkAdapterBase adapter)
        {
            if (StaticMacAddress != "" || DynamicMacAddress)
            {
                var mac = StaticMacAddress == "" ? Adapters.NoMac : Adapters.Mac(StaticMacAddress);
                if (!adapter.Machine.Off)
                {
                    throw Refuse.DeviceInUse(adapter.Machine, "Synthetic Ethernet Port");
                }
                adapter.Change(data => (data["mac"], data["dynamic_mac"]) = (mac, DynamicMacAddress.IsPresent));
            }
            adapter.Change(data =>
            {
                Put(data, nameof(MacAddressSpoofing), "mac_spoofing", MacAddressSpoofing);
                Put(data, nameof(DhcpGuard), "dhcp_guard", DhcpGuard);
                Put(data, nameof(RouterGuard), "router_guard", RouterGuard);
            });
        }

        private void Put(JsonObject data, string parameter, string key, OnOffState value)
        {
            if (Given(parameter))
            {
                data[key] = value == OnOffState.On;
            }
        }
    }

    /// <summary>A cmdlet about adapters that takes several VMs or several adapters.</summary>
    public abstract class ManyAdapters : Adapter
    {
        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter(ParameterSetName = "ResourceObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMNetworkAdapterBase[] VMNetworkAdapter { get; set; } = Array.Empty<VMNetworkAdapterBase>();

        protected IEnumerable<VMNetworkAdapterBase> Choose(string[] vmNames, string name) => ParameterSetName switch
        {
            "ResourceObject" => VMNetworkAdapter,
            "VMObject" => VM.SelectMany(vm => Of(vm, name)),
            _ => Named(vmNames).SelectMany(vm => Of(vm, name)),
        };
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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => Choose(VMName, Name).ToList();

        protected override void Act()
        {
            if (!ManagementOS)
            {
                base.Act();
                return;
            }
            Pc.Change(state =>
            {
                var all = state["management_adapters"]?.AsArray() ?? new JsonArray();
                var found = all.Where(one => Matches(Name, (string)one!["name"]!)).ToList();
                if (found.Count == 0)
                {
                    throw Refuse.NotFound("No network adapter was found with the given criteria.");
                }
                foreach (var one in found)
                {
                    Switches.RemoveManagement(state, (string)one!["name"]!, null);
                    all.Remove(one);
                }
            });
        }

        protected override void Act(VMNetworkAdapterBase adapter)
        {
            if (adapter.Machine.State == VMState.Saved)
            {
                throw Refuse.DeviceInUse(adapter.Machine, "Synthetic Ethernet Port");
            }
            adapter.Remove();
        }
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

        protected override IEnumerable<VMNetworkAdapterBase> Targets => Choose(VMName, Name).ToList();

        protected override void Act(VMNetworkAdapterBase adapter) => adapter.Change(data => data["name"] = NewName);
    }
}
