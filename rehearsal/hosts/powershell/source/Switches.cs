using System;
using System.Linq;
using System.Text.Json.Nodes;

namespace Rehearsal
{
    /// <summary>What making and removing a switch does to the PC's own network (wiring.py is the same).</summary>
    public static class Switches
    {
        private const double Pause = 1;  // seconds; on Windows about 5
        private const double ForEver = 1e12;
        private static readonly string[] Belongings = { "addresses", "routes", "neighbors", "dns" };

        public static string Management(string name) => $"vEthernet ({name})";

        public static JsonObject Fresh(string name, string type, string? notes, JsonNode? adapter) => new()
        {
            ["id"] = Guid.NewGuid().ToString(), ["name"] = name, ["type"] = type,
            ["adapter"] = (string?)adapter?["name"], ["adapter_description"] = (string?)adapter?["description"],
            ["allow_management_os"] = type != "Private", ["notes"] = notes ?? "",
        };

        /// <summary>Adds the PC's adapter on a switch; on an External one it takes over the physical one's place.</summary>
        public static void AddManagement(JsonObject state, string name, JsonNode? physical)
        {
            var adapters = state["adapters"]!.AsArray();
            var index = adapters.Max(one => (int)one!["index"]!) + 1;
            adapters.Add(new JsonObject
            {
                ["name"] = Management(name), ["description"] = "Hyper-V Virtual Ethernet Adapter",
                ["mac"] = (string?)physical?["mac"] ?? "00155D0A0C00", ["status"] = "Up", ["index"] = index,
                ["physical"] = false, ["medium"] = "Unspecified", ["guid"] = Guid.NewGuid().ToString(),
                ["speed_bps"] = 1000000000,
            });
            if (physical?["dhcp"] is not null)
            {
                adapters[^1]!["dhcp"] = Fails(state, "addresses") ? "Disabled" : (string?)physical["dhcp"];
            }
            if (physical is not null)
            {
                Move(state, (string)physical["name"]!, Management(name), index, (int)physical["index"]!);
            }
        }

        public static void RemoveManagement(JsonObject state, string name, JsonNode? physical)
        {
            var own = state["adapters"]!.AsArray().First(one => (string)one!["name"]! == Management(name))!;
            if (physical is not null)
            {
                Move(state, Management(name), (string)physical["name"]!, (int)physical["index"]!, (int)own["index"]!);
            }
            foreach (var list in Belongings.Where(list => state[list] is not null))
            {
                var items = state[list]!.AsArray();
                foreach (var item in items.Where(one => (string)one!["adapter"]! == Management(name)).ToList())
                {
                    items.Remove(item);
                }
            }
            (state["profiles"] as JsonObject)?.Remove($"{(int)own["index"]!}");
            state["adapters"]!.AsArray().Remove(own);
        }

        private static bool Fails(JsonObject state, string what) =>
            state["switch_faults"]?.AsArray().Any(one => (string)one! == what) ?? false;

        /// <summary>Windows carries addresses over; `switch_faults` says what gets lost, and whether the LAN does.</summary>
        private static void Move(JsonObject state, string from, string to, int index, int before)
        {
            foreach (var list in Belongings.Where(list => state[list] is not null))
            {
                var items = state[list]!.AsArray();
                foreach (var item in items.Where(one => (string)one!["adapter"]! == from).ToList())
                {
                    item!["adapter"] = to;
                    var isLost = list is "addresses" or "routes" ? Fails(state, "addresses") : list == "dns" && Fails(state, "dns");
                    if (isLost)
                    {
                        items.Remove(item);
                    }
                }
            }
            var profiles = state["profiles"]!.AsObject();
            var category = (string?)profiles[$"{before}"]?["NetworkCategory"] ?? "Public";
            profiles.Remove($"{before}");
            profiles[$"{index}"] = new JsonObject
            {
                ["InterfaceIndex"] = index, ["InterfaceAlias"] = to,
                ["NetworkCategory"] = Fails(state, "public") ? "Public" : category,
            };
            var staysDown = to.StartsWith("vEthernet", StringComparison.Ordinal) && Fails(state, "stays down");
            state["network_down_until"] = staysDown ? ForEver : (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds + Pause;
        }
    }
}
