using System;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("New", "VMSwitch", DefaultParameterSetName = "NetAdapterName", SupportsShouldProcess = true)]
    public class NewVMSwitch : StandInCmdlet
    {
        [Parameter(Mandatory = true, Position = 0), Alias("SwitchName")]
        public string Name { get; set; } = "";

        [Parameter(ParameterSetName = "SwitchType", Mandatory = true)]
        public VMSwitchType SwitchType { get; set; }

        [Parameter(ParameterSetName = "NetAdapterName", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        [Alias("InterfaceAlias")]
        public string[] NetAdapterName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "NetAdapterName")] public bool AllowManagementOS { get; set; } = true;
        [Parameter] public string? Notes { get; set; }

        protected override void Act()
        {
            var made = Pc.Change(state =>
            {
                var physical = NetAdapterName.Length > 0 ? Physical(state, NetAdapterName[0]) : null;
                var type = physical is null ? SwitchType.ToString() : "External";
                var data = Switches.Fresh(Name, type, Notes, physical);
                state["switches"]!.AsArray().Add(data);
                if (physical is not null || SwitchType == VMSwitchType.Internal)
                {
                    Switches.AddManagement(state, Name, physical);
                }
                return data.DeepClone().AsObject();
            });
            WriteObject(new VMSwitch(made));
        }

        private static JsonNode Physical(JsonObject state, string name)
        {
            const string Failed = "Failed while adding virtual Ethernet switch connections.\n";
            var adapter = state["adapters"]!.AsArray().FirstOrDefault(one => Pc.Same((string?)one!["name"], name))
                ?? throw Refuse.Unspecified($"Physical network adapter '{name}' not found.");
            if (!(bool)adapter["physical"]! || ((bool?)adapter["bridged"] ?? false))
            {
                throw Refuse.Operation("Sequence contains no matching element");
            }
            if (state["switches"]!.AsArray().Any(one => Pc.Same((string?)one!["adapter"], (string)adapter["name"]!)))
            {
                throw new VirtualizationException(
                    $"{Failed}External Ethernet adapter '{(string)adapter["description"]!}' is already bound to the " +
                    "Microsoft Virtual Switch protocol.", "ObjectInUse", ErrorCategory.ResourceBusy);
            }
            if ((string)adapter["medium"]! == "Native 802.11")
            {
                throw Refuse.NotFound(
                    $"{Failed}Ethernet port '{{{((string)adapter["guid"]!).ToUpperInvariant()}}}' bind failed: " +
                    "Element not found. (0x80070490).");
            }
            return adapter;
        }
    }

    [Cmdlet("Remove", "VMSwitch", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class RemoveVMSwitch : StandInCmdlet
    {
        [Parameter(ParameterSetName = "SwitchObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VMSwitch[] VMSwitch { get; set; } = Array.Empty<VMSwitch>();

        [Parameter] public SwitchParameter Force { get; set; }

        protected override void Act()
        {
            foreach (var one in VMSwitch)
            {
                if (!Force && !Ask($"Remove virtual switch \"{one.Name}\"?", "Confirm"))
                {
                    continue;
                }
                Pc.Change(state =>
                {
                    var data = state["switches"]!.AsArray().First(s => (string)s!["id"]! == one.Id.ToString())!;
                    if (state["vms"]!.AsObject().SelectMany(vm => vm.Value!["adapters"]!.AsArray())
                        .Any(adapter => Pc.Same((string?)adapter!["switch"], one.Name)))
                    {
                        throw Refuse.Failed("Failed while removing virtual Ethernet switch.");
                    }
                    var physical = state["adapters"]!.AsArray().FirstOrDefault(
                        adapter => (string)adapter!["name"]! == (string?)data["adapter"]);
                    if ((bool)data["allow_management_os"]!)
                    {
                        Switches.RemoveManagement(state, one.Name, physical);
                    }
                    state["switches"]!.AsArray().Remove(data);
                });
            }
        }
    }
}
