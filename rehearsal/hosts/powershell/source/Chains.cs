using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Rehearsal
{
    /// <summary>Checkpoints and the differencing disks below them; answers/checkpoints.py is the same.</summary>
    public static class Chains
    {
        private static readonly string[] Kept = { "snapshots", "power_on_count", "name", "state", "started_at" };

        /// <summary>What the disks hold now is frozen, and each drive goes on in a file above.</summary>
        public static void Take(string vmId, string id, string name) => Change(vmId, vm =>
        {
            var frozen = vm.DeepClone().AsObject();
            frozen.Remove("snapshots");
            foreach (var drive in Drives(vm))
            {
                drive["path"] = Leaf((string)drive["path"]!);
            }
            vm["snapshots"]!.AsArray().Add(new JsonObject
            {
                ["id"] = id, ["name"] = name, ["created_at"] = Clock.Now, ["config"] = frozen,
            });
        });

        /// <summary>Settings and disks of a VM that is off become what they were; what came after is lost.</summary>
        public static void Restore(string vmId, string id) => Change(vmId, vm =>
        {
            var snapshots = vm["snapshots"]!.AsArray().Select(item => item!.AsObject()).ToList();
            var config = snapshots.First(item => (string)item["id"]! == id)["config"]!.AsObject();
            var frozen = snapshots.SelectMany(item => Drives(item["config"]!)).Select(drive => (string)drive["path"]!);
            foreach (var path in Drives(vm).Select(drive => (string)drive["path"]!).Except(frozen)
                .Where(path => path.EndsWith(".avhdx", StringComparison.OrdinalIgnoreCase)))
            {
                File.Delete(Pc.Real(path)!);
            }
            var before = config.DeepClone().AsObject();
            foreach (var drive in Drives(before))
            {
                drive["path"] = Leaf((string)drive["path"]!);
            }
            foreach (var key in Kept)
            {
                before[key] = vm[key]?.DeepClone();
            }
            vm.ReplaceWith(before);
        });

        /// <summary>The files that only this checkpoint needed are merged.</summary>
        public static void Forget(string vmId, string id) => Change(vmId, vm =>
        {
            var snapshots = vm["snapshots"]!.AsArray();
            snapshots.Remove(snapshots.First(item => (string)item!["id"]! == id));
            while (MergeOne(vm))
            {
            }
            if (Pc.State["merge_s"] is { } seconds)
            {
                vm["merging_until"] = Clock.Now + (double)seconds;
            }
        });

        /// <summary>Files and state change together: when the power fails here, nothing of both has changed.</summary>
        private static void Change(string vmId, Action<JsonObject> change)
        {
            Pc.BeforeFiles();
            Pc.ChangeMachine(vmId, change, isCounted: false);
        }

        private static bool MergeOne(JsonObject vm)
        {
            var configs = vm["snapshots"]!.AsArray().Select(item => item!["config"]!).Prepend(vm);
            var named = configs.SelectMany(Drives).ToList();
            var paths = named.Select(drive => (string)drive["path"]!).ToHashSet();
            var parents = Parents(paths);
            foreach (var path in parents.Keys.OrderBy(path => path, StringComparer.Ordinal))
            {
                var above = parents.Where(pair => pair.Value == path).Select(pair => pair.Key).ToList();
                if (above.Count != 1 || paths.Contains(path))
                {
                    continue;
                }
                var own = Content(path);
                own["vhd"] = (string)Content(above[0])["vhd"]!;
                Write(path, own);
                File.Delete(Pc.Real(above[0])!);
                foreach (var drive in named.Where(drive => (string)drive["path"]! == above[0]))
                {
                    drive["path"] = path;
                }
                foreach (var child in parents.Where(pair => pair.Value == above[0]).Select(pair => pair.Key))
                {
                    var moved = Content(child);
                    moved["parent"] = path;
                    Write(child, moved);
                }
                return true;
            }
            return false;
        }

        private static Dictionary<string, string> Parents(IEnumerable<string> paths)
        {
            var found = new Dictionary<string, string>();
            var waiting = new Queue<string>(paths);
            while (waiting.TryDequeue(out var path))
            {
                found[path] = (string?)Content(path)["parent"] ?? "";
                if (found[path] != "" && !found.ContainsKey(found[path]))
                {
                    waiting.Enqueue(found[path]);
                }
            }
            return found;
        }

        private static string Leaf(string parent)
        {
            if (!Pc.FileExists(parent))
            {
                throw Refuse.NotFound($"'{parent}': the system cannot find the file. (0x80070002)");
            }
            var stem = Regex.Replace(parent, @"(_[0-9A-F-]{36})?\.a?vhdx$", "", RegexOptions.IgnoreCase);
            var path = $"{stem}_{Guid.NewGuid().ToString().ToUpperInvariant()}.avhdx";
            var content = Content(parent);
            var below = (string)content["vhd"]!;
            var fresh = Guid.NewGuid().ToString();
            (content["vhd"], content["type"], content["parent"]) = (fresh, "Differencing", parent);
            Write(path, content);
            var disks = Path.Combine(Pc.RehearsalFolder, "disks");
            if (Directory.Exists(Path.Combine(disks, below)))
            {
                var copy = new[]
                {
                    "-a", "--reflink=auto", "--sparse=always", Path.Combine(disks, below), Path.Combine(disks, fresh),
                };
                using var copying = Process.Start("cp", copy);
                copying.WaitForExit();
            }
            return path;
        }

        private static IEnumerable<JsonObject> Drives(JsonNode config) =>
            config["drives"]!.AsArray().Select(drive => drive!.AsObject());

        private static JsonObject Content(string path) =>
            JsonNode.Parse(File.ReadAllText(Pc.Real(path)!))!.AsObject();

        private static void Write(string path, JsonObject content) =>
            File.WriteAllText(
                Pc.Real(path) ?? throw Refuse.NotFound($"'{path}': no such drive."), content.ToJsonString());
    }
}
