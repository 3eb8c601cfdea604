using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Rehearsal;

namespace Rehearsal
{
    /// <summary>What network adapters are made of.</summary>
    public static class Adapters
    {
        public const string NoMac = "000000000000";
        private const long Pool = 0x00155D0A0B00;

        public static JsonObject Fresh(string machineId, string name, string? switchName, string? mac) => new()
        {
            ["id"] = NewId(machineId),
            ["name"] = name, ["mac"] = mac ?? NoMac, ["dynamic_mac"] = mac is null, ["switch"] = switchName,
            ["vlan"] = null, ["dhcp_guard"] = false, ["router_guard"] = false, ["mac_spoofing"] = false,
            ["addresses"] = new JsonArray(),
        };

        /// <summary>The id of a new device: the VM's, and one of its own.</summary>
        public static string NewId(string machineId) =>
            "Microsoft:" + $"{machineId}\\{Guid.NewGuid()}".ToUpperInvariant();

        /// <summary>A MAC as Hyper-V stores it; refused unless it is six hex pairs and a unicast address.</summary>
        public static string Mac(string given)
        {
            if (!Regex.IsMatch(given, "^([0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}$"))
            {
                throw Refuse.Parameter("The parameter \"StaticMacAddress\" is not in the correct format.");
            }
            var mac = given.Replace(":", "").Replace("-", "").ToUpperInvariant();
            if (Convert.ToInt32(mac[..2], 16) % 2 == 1)
            {
                throw Refuse.Failed("Failed to modify device 'Synthetic Ethernet Port'.");
            }
            return mac;
        }

        public static string FreeMac(JsonObject state)
        {
            var used = state["vms"]!.AsObject().SelectMany(vm => vm.Value!["adapters"]!.AsArray())
                .Select(adapter => (string)adapter!["mac"]!).ToHashSet();
            return Enumerable.Range(0, 256).Select(n => $"{Pool + n:X12}").First(mac => !used.Contains(mac));
        }
    }
}

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

        protected override IEnumerable<VirtualMachine> Targets =>
            ParameterSetName == "All" ? StandInCmdlet.All() : base.Targets;

        protected override void Act()
        {
            if (ManagementOS)
            {
                WriteObject(VMInternalNetworkAdapter.All().Where(own => Name == "" || Matches(Name, own.Name)), true);
                return;
            }
            base.Act();
        }

        protected override void Act(VirtualMachine machine) => WriteObject(Adapter.Of(machine, Name), true);
    }

    [Cmdlet("Add", "VMNetworkAdapter", DefaultParameterSetName = "VMName", SupportsShouldProcess = true)]
    public class AddVMNetworkAdapter : MachineCmdlet
    {
        [Parameter] public string SwitchName { get; set; } = "";
        [Parameter, Alias("VMNetworkAdapterName")] public string Name { get; set; } = "Network Adapter";
        [Parameter] public SwitchParameter DynamicMacAddress { get; set; }
        [Parameter] public string StaticMacAddress { get; set; } = "";
        [Parameter] public SwitchParameter Passthru { get; set; }
        [Parameter(ParameterSetName = "ManagementOS")] public SwitchParameter ManagementOS { get; set; }

        protected override void Act()
        {
            if (!ManagementOS)
            {
                base.Act();
                return;
            }
            var lan = SwitchNamed(SwitchName);
            Pc.Change(state =>
            {
                state["management_adapters"] ??= new JsonArray();
                state["management_adapters"]!.AsArray().Add(
                    new JsonObject { ["name"] = Name, ["switch"] = lan, ["vlan"] = null });
                Switches.AddManagement(state, Name, null);
            });
        }

        protected override void Act(VirtualMachine machine)
        {
            if (DynamicMacAddress && StaticMacAddress != "")
            {
                throw Refuse.Parameter(
                    "The parameters 'StaticMacAddress' and 'DynamicMacAddress' are mutually exclusive. " +
                    "Specify only one or the other.");
            }
            var fresh = Adapters.Fresh(
                machine.Key, Name, SwitchName == "" ? null : SwitchNamed(SwitchName),
                StaticMacAddress == "" ? null : Adapters.Mac(StaticMacAddress));
            if (machine.State == VMState.Saved)
            {
                throw Refuse.DeviceInUse(machine, "Synthetic Ethernet Port");
            }
            if (!ShouldProcess(machine.Name, "Add-VMNetworkAdapter"))
            {
                return;
            }
            Pc.ChangeMachine(machine.Key, vm =>
            {
                vm["adapters"]!.AsArray().Add(fresh);
                vm["boot_order"]!.AsArray().Add(new JsonObject { ["type"] = "network", ["id"] = (string)fresh["id"]! });
            });
            if (Passthru)
            {
                WriteObject(new VMNetworkAdapter(machine, fresh));
            }
        }
    }

    /// <summary>A cmdlet about adapters: one, or those of a VM with -Name to choose.</summary>
    public abstract class Adapter : StandInCmdlet
    {
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected abstract IEnumerable<VMNetworkAdapterBase> Targets { get; }
        protected abstract void Act(VMNetworkAdapterBase adapter);

        public static IEnumerable<VMNetworkAdapter> Of(VirtualMachine machine, string name)
        {
            var found = machine.NetworkAdapters.Where(adapter => name == "" || Matches(name, adapter.Name)).ToList();
            return found.Count > 0 || name == "" || WildcardPattern.ContainsWildcardCharacters(name)
                ? found
                : throw Refuse.NotFound("No network adapter was found with the given criteria.");
        }

        protected override void Act()
        {
            foreach (var adapter in Targets)
            {
                Try(() =>
                {
                    if (!ShouldProcess(adapter.VMName, MyInvocation.MyCommand.Name))
                    {
                        return;
                    }
                    Act(adapter);
                    if (Passthru)
                    {
                        WriteObject(adapter);
                    }
                });
            }
        }
    }
}
