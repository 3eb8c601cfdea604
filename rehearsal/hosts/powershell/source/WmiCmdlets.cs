using System;
using System.Collections;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Rehearsal
{
    /// <summary>Hyper-V's own WMI objects, as far as a picture of a console needs them.</summary>
    public class ComputerSystem
    {
        public ComputerSystem(string id) => Name = id.ToUpperInvariant();

        public string Name { get; }

        public object[] GetRelated(string className) => className switch
        {
            "Msvm_VideoHead" => new object[] { new VideoHead() },
            "Msvm_VirtualSystemSettingData" => Settings(),
            _ => Array.Empty<object>(),
        };

        /// <summary>Those of the checkpoints are related to the VM as well as those that are in force.</summary>
        private object[] Settings() => Pc.Machines[Name.ToLowerInvariant()]!["snapshots"]!.AsArray()
            .Select(one => (object)new SettingData((string)one!["id"]!, "Microsoft:Hyper-V:Snapshot:Realized"))
            .Append(new SettingData(Name, "Microsoft:Hyper-V:System:Realized")).ToArray();
    }

    public class SettingData
    {
        public SettingData(string id, string type) => (InstanceID, VirtualSystemType) =
            ($"Microsoft:{id.ToUpperInvariant()}", type);

        public string InstanceID { get; }
        public string VirtualSystemType { get; }
        public string __PATH =>
            $@"\\{Pc.Name}\root\virtualization\v2:Msvm_VirtualSystemSettingData.InstanceID=""{InstanceID}""";
    }

    public class VideoHead
    {
        public uint[] CurrentHorizontalResolution => new[] { 64u };
        public uint[] CurrentVerticalResolution => new[] { 48u };
    }

    public class Thumbnail
    {
        public uint ReturnValue { get; init; }
        public byte[]? ImageData { get; init; }
    }

    public class ManagementService
    {
        public Thumbnail GetVirtualSystemThumbnailImage(string target, ushort width, ushort height)
        {
            var shown = Model.Do("thumbnail", target, new Hashtable { ["width"] = width, ["height"] = height })!;
            return new Thumbnail
            {
                ReturnValue = (uint)shown["value"]!,
                ImageData = shown["image"] is { } image ? Convert.FromBase64String((string)image!) : null,
            };
        }
    }
}

namespace Microsoft.PowerShell.Commands
{
    [Cmdlet("Get", "WmiObject", DefaultParameterSetName = "query")]
    public class GetWmiObjectCommand : PSCmdlet
    {
        [Parameter(ParameterSetName = "query", Mandatory = true, Position = 1)]
        [Alias("ClassName")]
        public string Class { get; set; } = "";

        [Parameter(ParameterSetName = "query")]
        [Alias("NS")]
        public string Namespace { get; set; } = "";

        [Parameter(ParameterSetName = "query")]
        public string Filter { get; set; } = "";

        protected override void ProcessRecord()
        {
            switch (Class)
            {
                case "Msvm_VirtualSystemManagementService":
                    WriteObject(new ManagementService());
                    break;
                case "Msvm_ComputerSystem":
                    var id = Filter.Split('\'').ElementAtOrDefault(1) ?? "";
                    var found = Pc.Machines.Where(vm => string.Equals(vm.Key, id, StringComparison.OrdinalIgnoreCase));
                    WriteObject(found.Select(vm => new ComputerSystem(vm.Key)), true);
                    break;
                default:
                    WriteError(new ErrorRecord(
                        new InvalidOperationException($"Invalid class \"{Class}\""), "GetWMIManagementException",
                        ErrorCategory.InvalidType, null));
                    break;
            }
        }
    }
}
