using System;
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

        public object[] GetRelated(string className) =>
            className == "Msvm_VideoHead" ? new object[] { new VideoHead() } : Array.Empty<object>();
    }

    public class VideoHead
    {
        public uint[] CurrentHorizontalResolution => new[] { 64u };
        public uint[] CurrentVerticalResolution => new[] { 48u };
    }

    public class Thumbnail
    {
        public uint ReturnValue { get; init; }
        public byte[] ImageData { get; init; } = Array.Empty<byte>();
    }

    public class ManagementService
    {
        private const uint InvalidState = 32775;

        /// <summary>Draws red from left to right and green from top to bottom, as answers/screen.py does.</summary>
        public Thumbnail GetVirtualSystemThumbnailImage(ComputerSystem target, ushort width, ushort height)
        {
            if ((string?)Pc.Machines[target.Name.ToLowerInvariant()]?["state"] != "Running")
            {
                return new Thumbnail { ReturnValue = InvalidState };
            }
            var pixels = Enumerable.Range(0, width * height).Select(place =>
                (place % width * 31 / width << 11) | (place / width * 63 / height << 5) | 8);
            return new Thumbnail
            {
                ImageData = pixels.SelectMany(pixel => new[] { (byte)pixel, (byte)(pixel >> 8) }).ToArray(),
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
                    var found = Pc.Machines.Where(vm => Pc.Same(vm.Key, id));
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
