using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;

namespace Rehearsal
{
    /// <summary>
    /// The stand-in PC that this PowerShell runs on: drive C:, and the state that others act on too.
    /// </summary>
    public static class Pc
    {
        private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(60);
        private static readonly string Folder = Variable("REHEARSAL_HOST");
        private static readonly string Drive = Variable("REHEARSAL_DRIVE");
        private static readonly string StateFile = Path.Combine(Folder, "state.json");
        private static DateTime _version;
        private static JsonObject _state = new();

        /// <summary>The state as it is now; parsed again only after somebody changed it.</summary>
        public static JsonObject State
        {
            get
            {
                var version = File.GetLastWriteTimeUtc(StateFile);
                if (version != _version)
                {
                    (_state, _version) = (Parse(), version);
                }
                return _state;
            }
        }

        /// <summary>The rehearsal's folder, where the contents of disks lie.</summary>
        public static string RehearsalFolder => Path.GetFullPath(Path.Combine(Folder, "..", ".."));

        /// <summary>Where the machine's certificates lie: drive Cert: begins two folders above.</summary>
        public static string StoreFolder => Path.Combine(Folder, "Cert", "LocalMachine", "My");

        public static string Name => (string)State["computer_name"]!;

        public static JsonObject Machines => State["vms"]!.AsObject();

        /// <summary>Changes the state under the lock, in one step; an exception leaves it as it was.</summary>
        public static T Change<T>(Func<JsonObject, T> change, bool isCounted = true)
        {
            using var held = Lock();
            var state = Parse();
            var before = isCounted && state.ContainsKey(Outage.Key) ? state.DeepClone().AsObject() : null;
            var result = change(state);
            if (before is not null && !JsonNode.DeepEquals(before, state))
            {
                Outage.Spend(before, state);
            }
            Write(state);
            return result;
        }

        /// <summary>Called before a change that is made to files: it may be the one at which the power fails.</summary>
        public static void BeforeFiles()
        {
            if (State.ContainsKey(Outage.Key))
            {
                using var held = Lock();
                var state = Parse();
                Outage.Spend(state, state);
                Write(state);
            }
        }

        internal static void Write(JsonObject state)
        {
            var fresh = $"{StateFile}.{Environment.ProcessId}.new";
            File.WriteAllText(fresh, state.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            // Two writes within one tick of the file system's clock would look like none to who watches the time.
            var before = File.GetLastWriteTimeUtc(StateFile);
            if (File.GetLastWriteTimeUtc(fresh) <= before)
            {
                File.SetLastWriteTimeUtc(fresh, before.AddMilliseconds(0.001));
            }
            File.Move(fresh, StateFile, overwrite: true);
        }

        public static void Change(Action<JsonObject> change, bool isCounted = true) => Change<object?>(
            state =>
            {
                change(state);
                return null;
            },
            isCounted);

        /// <summary>Changes one VM; a VM that is gone meanwhile is an error as on Windows.</summary>
        public static void ChangeMachine(string id, Action<JsonObject> change, bool isCounted = true) => Change(
            state => change(state["vms"]![id]?.AsObject() ?? throw Refuse.NoMachineWithId(id)), isCounted);

        /// <summary>Spells a path as Windows does: back slashes, relative to drive C:.</summary>
        public static string Windows(string path)
        {
            var clean = path.Replace('/', '\\');
            return clean.Length > 1 && clean[1] == ':' ? clean : "C:\\" + clean.TrimStart('\\');
        }

        /// <summary>Where a Windows path really lies, found without regard to case; null on any drive but C:.</summary>
        public static string? Real(string path)
        {
            var windows = Windows(path);
            if (!windows.StartsWith("C:", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }
            var place = Drive;
            foreach (var part in windows[2..].Split('\\', StringSplitOptions.RemoveEmptyEntries))
            {
                place = Path.Exists(Path.Combine(place, part)) || !Directory.Exists(place)
                    ? Path.Combine(place, part)
                    : Directory.EnumerateFileSystemEntries(place).FirstOrDefault(
                        entry => Same(Path.GetFileName(entry), part)) ?? Path.Combine(place, part);
            }
            return place;
        }

        public static bool FileExists(string path) => Real(path) is { } real && File.Exists(real);

        /// <summary>Whether a file stands in one of the state's lists: held_files (somebody has it open), barred_files
        /// (the host's account may not open it).</summary>
        public static bool Listed(string list, string? path) =>
            path is not null && State[list] is { } paths && paths.AsArray().Any(one => Same((string?)one, path));

        public static long FreeSpace =>
            (long)State["volume"]!["size_bytes"]! - (long)State["volume"]!["used_bytes"]!;

        public static bool Same(string? one, string? other) =>
            string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

        /// <summary>What Windows itself and the running VMs leave of the memory, in bytes.</summary>
        public static long FreeMemory(JsonObject state) =>
            (long)state["memory_bytes"]! - (long)state["memory_used_bytes"]! - state["vms"]!.AsObject()
                .Where(vm => (string)vm.Value!["state"]! is not ("Off" or "Saved"))
                .Sum(vm => (long)vm.Value!["memory_bytes"]!);

        private static JsonObject Parse() => JsonNode.Parse(File.ReadAllText(StateFile))!.AsObject();

        private static FileStream Lock()
        {
            var waited = Stopwatch.StartNew();
            while (true)
            {
                try
                {
                    // FileShare.None is flock on Unix: the same lock that the Python side takes.
                    var path = Path.Combine(Folder, "state.lock");
                    return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                }
                catch (IOException) when (waited.Elapsed < LockPatience)
                {
                    Thread.Sleep(10);
                }
            }
        }

        private static string Variable(string name) => Environment.GetEnvironmentVariable(name)
            ?? throw new InvalidOperationException($"{name} is not set: these cmdlets are a stand-in, no Windows");
    }
}
