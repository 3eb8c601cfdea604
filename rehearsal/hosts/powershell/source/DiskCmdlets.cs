using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Microsoft.HyperV.PowerShell;
using Microsoft.Vhd.PowerShell;
using Rehearsal;

namespace Rehearsal
{
    /// <summary>Virtual disks: small JSON files on drive C:, whose content the room keeps elsewhere.</summary>
    public static class Disks
    {
        public const uint DefaultBlock = 32u << 20;
        private const int Locations = 64;
        public const long FirstBytes = 4L << 20;  // what an empty dynamic disk takes; its full size is not asked for

        public static VirtualHardDisk Create(string path, ulong size, VhdType type, uint blockSize)
        {
            var failed = $"Failed to create the virtual hard disk.\nThe system failed to create '{path}': ";
            var noPath = failed + "The system cannot find the path specified. (0x80070003).";
            var place = Pc.Real(path) ?? throw Refuse.NotFound(noPath);
            if (size < 3ul << 20 || size % 512 != 0 || size > 64ul << 40)
            {
                throw Refuse.Parameter(failed + "One or more arguments are invalid (0x80070057).");
            }
            if (File.Exists(place))
            {
                throw Refuse.Failed(failed + "The file exists. (0x80070050).");
            }
            if (!Directory.Exists(Path.GetDirectoryName(place)))
            {
                throw Refuse.NotFound(noPath);
            }
            if (Pc.FreeSpace < FirstBytes)
            {
                throw Refuse.Failed(failed + "There is not enough space on the disk. (0x80070070).");
            }
            Pc.BeforeFiles();
            var data = new JsonObject
            {
                ["vhd"] = Guid.NewGuid().ToString(), ["size_bytes"] = size, ["type"] = type.ToString(),
                ["block_size_bytes"] = blockSize,
            };
            File.WriteAllText(place, data.ToJsonString());
            return Read(path);
        }

        public static VirtualHardDisk Read(string path)
        {
            var place = Pc.Real(path);
            if (place is null || !File.Exists(place) || !IsDiskName(path))
            {
                throw Refuse.NoDisk(path);
            }
            if (Pc.Listed("held_files", path))
            {
                throw Refuse.InUse("The operation cannot be performed while the object is in use.");
            }
            try
            {
                var text = File.ReadAllText(place);
                return new VirtualHardDisk(path, JsonNode.Parse(text)!.AsObject());
            }
            catch (System.Text.Json.JsonException)
            {
                throw Refuse.Failed(
                    $"Failed to get disk information of '{path}'.\n" +
                    "The file or directory is corrupted and unreadable. (0x80070570).");
            }
        }

        public static bool IsDiskName(string path) =>
            new[] { ".vhd", ".vhdx", ".avhd", ".avhdx" }.Contains(Path.GetExtension(path).ToLowerInvariant());

        /// <summary>Puts a file into a VM's "drives" or "dvds" at the first free place, or the one asked for.</summary>
        public static JsonObject Attach(
            VirtualMachine machine, string list, string? path, int? controller, int? location)
        {
            var device = list == "drives" ? "Virtual Hard Disk" : "Virtual CD/DVD Disk";
            if (path is not null && !Pc.FileExists(path))
            {
                throw Refuse.NotFound(
                    $"Failed to add device '{device}'.\n'{machine.Name}' failed to add device '{device}'. " +
                    "The system cannot find the file specified. (0x80070002)");
            }
            if (Pc.Listed("barred_files", path))
            {
                throw NoPermission("add", device, path!);
            }
            if (machine.State == VMState.Saved)
            {
                throw Refuse.DeviceInUse(machine, device);
            }
            return Pc.Change(state =>
            {
                CheckHolder(state, machine, path, device);
                var vm = state["vms"]![machine.Key]?.AsObject() ?? throw Refuse.NoMachineWithId(machine.Key);
                var drive = new JsonObject
                {
                    ["id"] = Adapters.NewId(machine.Key) + "\\0\\0\\D", ["path"] = path,
                    ["controller"] = controller ?? 0, ["location"] = Place(vm, controller ?? 0, location),
                };
                vm[list]!.AsArray().Add(drive);
                vm["boot_order"]!.AsArray().Add(new JsonObject { ["type"] = "drive", ["id"] = (string)drive["id"]! });
                return drive;
            });
        }

        /// <summary>Files are opened by the host's account and the VM's, not by the caller's.</summary>
        public static Microsoft.HyperV.PowerShell.VirtualizationException NoPermission(
            string act, string device, string path) => Refuse.Denied(
            $"Failed to {act} device '{device}'.\nUser Account does not have permission to open attachment '{path}'. " +
            "Error: 'General access denied error' (0x80070005).");

        private static void CheckHolder(JsonObject state, VirtualMachine machine, string? path, string device)
        {
            var held = state["vms"]!.AsObject().Any(vm => vm.Value!["drives"]!.AsArray().Any(drive =>
                path is not null && Pc.Same((string?)drive!["path"], path)
                && (vm.Key == machine.Key || (string)vm.Value["state"]! != "Off")));
            if (held || Pc.Listed("held_files", path))
            {
                throw Refuse.InUse(
                    $"Failed to add device '{device}'.\nThe process cannot access the file '{path}' because it is " +
                    "being used by another process. (0x80070020)");
            }
        }

        private static int Place(JsonObject vm, int controller, int? wanted)
        {
            var taken = vm["drives"]!.AsArray().Concat(vm["dvds"]!.AsArray())
                .Where(drive => (int)drive!["controller"]! == controller)
                .Select(drive => (int)drive!["location"]!).ToHashSet();
            var free = Enumerable.Range(0, Locations).Where(location => !taken.Contains(location)).ToList();
            if (controller != 0 || free.Count == 0 || (wanted is { } one && !free.Contains(one)))
            {
                throw Refuse.NotFound(
                    "The operation could not be completed because no available locations were found on the disk " +
                    "controller.");
            }
            return wanted ?? free[0];
        }
    }
}

namespace Microsoft.Vhd.PowerShell.Cmdlets
{
    [Cmdlet("New", "VHD", DefaultParameterSetName = "DynamicWithoutSource", SupportsShouldProcess = true)]
    public class NewVhd : StandInCmdlet
    {
        [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        public string[] Path { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "DynamicWithoutSource", Mandatory = true, Position = 1)]
        [Parameter(ParameterSetName = "FixedWithoutSource", Mandatory = true, Position = 1)]
        public ulong SizeBytes { get; set; }

        [Parameter(ParameterSetName = "DynamicWithoutSource")]
        public SwitchParameter Dynamic { get; set; }

        [Parameter(ParameterSetName = "FixedWithoutSource", Mandatory = true)]
        public SwitchParameter Fixed { get; set; }

        [Parameter]
        public uint BlockSizeBytes { get; set; } = Disks.DefaultBlock;

        protected override void Act()
        {
            foreach (var path in Path.Select(Pc.Windows))
            {
                Try(() =>
                {
                    if (ShouldProcess(path, "New-VHD"))
                    {
                        var type = Fixed ? VhdType.Fixed : VhdType.Dynamic;
                        WriteObject(Disks.Create(path, SizeBytes, type, BlockSizeBytes));
                    }
                });
            }
        }
    }

    [Cmdlet("Get", "VHD", DefaultParameterSetName = "Path")]
    public class GetVHD : StandInCmdlet
    {
        [Parameter(
            ParameterSetName = "Path", Mandatory = true, Position = 0, ValueFromPipeline = true,
            ValueFromPipelineByPropertyName = true)]
        [Alias("FullName")]
        public string[] Path { get; set; } = Array.Empty<string>();

        [Parameter(
            ParameterSetName = "VMId", Mandatory = true, Position = 0, ValueFromPipeline = true,
            ValueFromPipelineByPropertyName = true)]
        [Alias("Id")]
        public Guid[] VMId { get; set; } = Array.Empty<Guid>();

        protected override void Act()
        {
            var ofMachines = VMId.Select(id => id.ToString())
                .Select(id => Pc.Machines[id] ?? throw Refuse.NoMachineWithId(id))
                .SelectMany(vm => vm["drives"]!.AsArray()).Select(drive => (string)drive!["path"]!);
            foreach (var path in Path.Select(Pc.Windows).Concat(ofMachines).ToList())
            {
                Try(() => WriteObject(Disks.Read(path)));
            }
        }
    }
}
