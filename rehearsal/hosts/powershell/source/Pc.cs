using System;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Rehearsal
{
    /// <summary>The stand-in PC that this PowerShell runs on, to be read: what changes it is asked of Model.</summary>
    public static class Pc
    {
        public static readonly string Folder = Variable("REHEARSAL_HOST");
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
                    (_state, _version) = (JsonNode.Parse(File.ReadAllText(StateFile))!.AsObject(), version);
                }
                return _state;
            }
        }

        /// <summary>Where the machine's certificates lie: drive Cert: begins two folders above.</summary>
        public static string StoreFolder => Path.Combine(Folder, "Cert", "LocalMachine", "My");

        public static string Name => (string)State["computer_name"]!;

        public static JsonObject Machines => State["vms"]!.AsObject();

        /// <summary>Seconds since 1970, as the state holds times.</summary>
        public static double Now => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;

        internal static string Variable(string name) => Environment.GetEnvironmentVariable(name)
            ?? throw new InvalidOperationException($"{name} is not set: these cmdlets are a stand-in, no Windows");
    }

    /// <summary>The account's culture: `culture` of the state, {"time_separator", "calendar"}; none is the invariant one.</summary>
    public static class Culture
    {
        public static void Take()
        {
            if (Pc.State["culture"] is not { } wanted)
            {
                return;
            }
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.DateTimeFormat.TimeSeparator = (string?)wanted["time_separator"] ?? ":";
            if ((string?)wanted["calendar"] == "ThaiBuddhist")
            {
                // Its property takes only calendars that the system knows for a culture, and a PowerShell may know none.
                typeof(DateTimeFormatInfo).GetField("calendar", BindingFlags.NonPublic | BindingFlags.Instance)!
                    .SetValue(culture.DateTimeFormat, new ThaiBuddhistCalendar());
            }
            CultureInfo.CurrentCulture = culture;
        }
    }
}
