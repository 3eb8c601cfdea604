using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text.Json.Nodes;

namespace Rehearsal
{
    /// <summary>What the cable carries between the PCs (lan.py is the same): tags and sizes, as lan.json says.</summary>
    public static class Lan
    {
        private const int Headers = 28;  // of IPv4 and ICMP
        private const int EthernetMtu = 1500;

        /// <summary>Whether this PC's network works; it pauses while a switch is made or removed.</summary>
        public static bool IsUp =>
            ((double?)Pc.State["network_down_until"] ?? 0) < (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;

        /// <summary>Whom this PC has heard of: nobody while the network pauses.</summary>
        public static IEnumerable<JsonObject> Neighbors() =>
            IsUp ? Pc.State["neighbors"]!.AsArray().Select(one => one!.AsObject()) : Enumerable.Empty<JsonObject>();

        public static bool Answers(string address, int size) => IsUp && (
            Neighbors().Any(one => (string)one["address"]! == address) || Others().Any(other => Reaches(other, address, size)));

        private static bool Reaches(JsonObject other, string address, int size)
        {
            var there = Place(other, entry => (string)entry["address"]! == address);
            var here = Place(Pc.State, entry => SameNetwork(entry, address));
            if (there is not { } to || here is not { } from || to.Vlan != from.Vlan)
            {
                return false;
            }
            var rules = other["firewall_rules"]?.AsObject().Select(rule => rule.Value!) ?? Enumerable.Empty<JsonNode>();
            var file = Path.Combine(Pc.RehearsalFolder, "lan.json");
            var lan = File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))! : new JsonObject();
            return rules.Any(rule => (string?)rule["Protocol"] == "ICMPv4"
                    && ((string?)rule["RemoteAddress"] ?? "").Split(',').Contains(from.Address))
                && !(from.Vlan is not null && ((bool?)lan["drops_tags"] ?? false))
                && size + Headers <= ((int?)lan["mtu"] ?? EthernetMtu);
        }

        /// <summary>The address of a PC's own added adapter, and the VLAN that it is in.</summary>
        private static (string Address, int? Vlan)? Place(JsonObject state, Func<JsonNode, bool> isWanted)
        {
            foreach (var own in state["management_adapters"]?.AsArray() ?? new JsonArray())
            {
                var name = Switches.Management((string)own!["name"]!);
                var entry = state["addresses"]!.AsArray().FirstOrDefault(
                    one => (string)one!["adapter"]! == name && isWanted(one!));
                if (entry is not null)
                {
                    return ((string)entry["address"]!, (int?)own["vlan"]);
                }
            }
            return null;
        }

        private static bool SameNetwork(JsonNode entry, string address) =>
            IPNetwork.Parse($"{Network((string)entry["address"]!, (int)entry["prefix"]!)}/{(int)entry["prefix"]!}")
                .Contains(IPAddress.Parse(address));

        private static IPAddress Network(string address, int prefix)
        {
            var bytes = IPAddress.Parse(address).GetAddressBytes();
            for (var bit = prefix; bit < 32; bit++)
            {
                bytes[bit / 8] &= (byte)~(128 >> (bit % 8));
            }
            return new IPAddress(bytes);
        }

        private static IEnumerable<JsonObject> Others() => Directory
            .EnumerateDirectories(Path.Combine(Pc.RehearsalFolder, "hosts"))
            .Select(folder => Path.Combine(folder, "state.json")).Where(File.Exists)
            .Select(file => JsonNode.Parse(File.ReadAllText(file))!.AsObject())
            .Where(other => (string)other["host"]! != (string)Pc.State["host"]!);
    }
}
