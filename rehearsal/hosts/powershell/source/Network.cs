using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.HyperV.PowerShell;

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPAddress
{
    public enum AddressFamily { IPv4 = 2, IPv6 = 23 }
}

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPInterface
{
    public enum AddressFamily { IPv4 = 2, IPv6 = 23 }

    public enum Dhcp { Disabled = 0, Enabled = 1 }
}

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.DnsClientServerAddress
{
    public enum AddressFamily { IPv4 = 2, IPv6 = 23 }
}

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.ScheduledTask
{
    public enum LogonTypeEnum
    {
        None = 0, Password = 1, S4U = 2, Interactive = 3, Group = 4, ServiceAccount = 5, InteractiveOrPassword = 6,
    }

    public enum RunLevelEnum { Limited = 0, Highest = 1 }
}

namespace Rehearsal
{
    /// <summary>What the CDXML functions (NetAdapter, NetTCPIP) read, as the CIM objects they emit.</summary>
    public static class Network
    {
        private const uint Ethernet = 6;
        private const uint WiFi = 71;
        private const string Card = @"PCI\VEN_10EC&DEV_8168\4&1A2B3C4D&0&00E0";

        public static IEnumerable<PSObject> Adapters() => Items("adapters").Select(adapter => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetAdapter",
            ("Name", (string)adapter["name"]!),
            ("InterfaceAlias", (string)adapter["name"]!),
            ("InterfaceDescription", (string)adapter["description"]!),
            ("InterfaceIndex", (uint)adapter["index"]!),
            ("ifIndex", (uint)adapter["index"]!),
            ("InterfaceGuid", $"{{{((string)adapter["guid"]!).ToUpperInvariant()}}}"),
            ("MacAddress", string.Join("-", ((string)adapter["mac"]!).Chunk(2).Select(pair => new string(pair)))),
            ("Status", (string)adapter["status"]!),
            ("InterfaceOperationalStatus", (string)adapter["status"]! == "Up" ? 1u : 2u),
            ("HardwareInterface", (bool)adapter["physical"]!),
            ("PnPDeviceID", (string?)adapter["pnp"] ?? ((bool)adapter["physical"]! ? Card : @"ROOT\VMS_MP\0000")),
            ("Virtual", !(bool)adapter["physical"]!),
            ("ComponentID", (string)adapter["description"]! == "Hyper-V Virtual Ethernet Adapter" ? "vms_mp" : ""),
            ("InterfaceType", (string)adapter["medium"]! == "Native 802.11" ? WiFi : Ethernet),
            ("VlanID", (ushort?)adapter["vlan"] ?? 0),
            ("PhysicalMediaType", (string)adapter["medium"]!),
            ("Speed", (ulong)adapter["speed_bps"]!)));

        /// <summary>What is bound to each adapter, on or off: IPv4, the multiplexor of bridges and teams.</summary>
        public static IEnumerable<PSObject> Bindings() => Items("adapters").SelectMany(adapter => new[]
        {
            Binding(adapter, "ms_tcpip", true), Binding(adapter, "ms_implat", (bool?)adapter["bridged"] ?? false),
        });

        private static PSObject Binding(JsonObject adapter, string component, bool enabled) => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetAdapterBindingSettingData",
            ("Name", (string)adapter["name"]!),
            ("InterfaceDescription", (string)adapter["description"]!),
            ("ComponentID", component),
            ("Enabled", enabled));

        public static IEnumerable<PSObject> Addresses() => Items("addresses").Select(address => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetIPAddress",
            ("IPAddress", (string)address["address"]!),
            ("InterfaceAlias", (string)address["adapter"]!),
            ("InterfaceIndex", Index(address)),
            ("AddressFamily", ((string)address["address"]!).Contains(':')
                ? Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPAddress.AddressFamily.IPv6
                : Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPAddress.AddressFamily.IPv4),
            ("PrefixLength", (byte)address["prefix"]!),
            ("PrefixOrigin", (string)address["origin"]!)));

        public static IEnumerable<PSObject> Neighbors() => Model.Do("neighbors")!.AsArray().Select(neighbor => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetNeighbor",
            ("IPAddress", (string)neighbor!["address"]!),
            ("InterfaceAlias", (string)neighbor!["adapter"]!),
            ("InterfaceIndex", Index(neighbor!.AsObject())),
            ("LinkLayerAddress", (string)neighbor!["mac"]!),
            ("State", (string)neighbor!["state"]!)));

        /// <summary>Who is on the room's LAN besides the PCs answers, and the PCs' own adapters do; no packet is sent.</summary>
        public static IEnumerable<PSObject> Pinged(string filter)
        {
            var size = Regex.Match(filter, @"BufferSize\s*=\s*(\d+)");
            var timeout = Regex.Match(filter, @"Timeout\s*=\s*(\d+)");
            return Regex.Matches(filter, @"Address\s*=\s*'([^']*)'").Select(match => Properties.Cim(
                "ROOT/cimv2/Win32_PingStatus",
                ("Address", match.Groups[1].Value),
                ("StatusCode", (bool)Model.Do("ping", null, new Hashtable
                {
                    ["address"] = match.Groups[1].Value,
                    ["size"] = size.Success ? int.Parse(size.Groups[1].Value) : 32,
                    ["timeout_ms"] = timeout.Success ? int.Parse(timeout.Groups[1].Value) : 1000,
                })! ? 0u : 11010u)));
        }

        public static IEnumerable<PSObject> Servers() => Items("dns").Select(entry => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_DNSClientServerAddress",
            ("InterfaceAlias", (string)entry["adapter"]!),
            ("InterfaceIndex", Index(entry)),
            ("ServerAddresses", entry["servers"]!.AsArray().Select(one => (string)one!).ToArray())));

        /// <summary>Each adapter's IPv4; Dhcp where one of its addresses came from there.</summary>
        public static IEnumerable<PSObject> Interfaces() => Items("adapters").Select(adapter => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetIPInterface",
            ("InterfaceAlias", (string)adapter["name"]!),
            ("InterfaceIndex", (uint)adapter["index"]!),
            ("Dhcp", (string?)adapter["dhcp"] ?? "Disabled")));

        public static IEnumerable<PSObject> Nats() => Items("nats").Select(nat => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetNat",
            ("Name", (string)nat["name"]!),
            ("InternalIPInterfaceAddressPrefix", (string)nat["cidr"]!)));

        public static IEnumerable<PSObject> Routes() => Items("routes").Select(route => Properties.Cim(
            "ROOT/StandardCimv2/MSFT_NetRoute",
            ("DestinationPrefix", (string)route["prefix"]!),
            ("NextHop", (string)route["gateway"]!),
            ("InterfaceAlias", (string)route["adapter"]!),
            ("InterfaceIndex", Index(route))));

        /// <summary>The drives that a filter by DeviceID names.</summary>
        public static IEnumerable<PSObject> Drives(string filter)
        {
            var volume = Pc.State["volume"]!;
            var (size, name) = ((ulong)volume["size_bytes"]!, $"{(string)volume["letter"]!}:");
            if (filter.Contains($"'{name}'", StringComparison.OrdinalIgnoreCase))
            {
                yield return Properties.Cim(
                    "ROOT/cimv2/Win32_LogicalDisk",
                    ("DeviceID", name), ("FileSystem", (string?)volume["file_system"] ?? "NTFS"), ("Size", size),
                    ("FreeSpace", size - (ulong)volume["used_bytes"]!));
            }
        }

        /// <summary>What a CDXML query says when the one thing it was asked for is not there.</summary>
        public static ErrorRecord NotFound(string className, string property, object value)
        {
            try
            {
                Model.Do("no such", className, new Hashtable { ["property"] = property, ["value"] = value.ToString() });
            }
            catch (VirtualizationException refusal)
            {
                var error = new InvalidOperationException(refusal.Message);
                return new ErrorRecord(error, refusal.ErrorIdentifier, refusal.ErrorCategory, value);
            }
            throw new InvalidOperationException($"{className} {property}");
        }

        /// <summary>What has come by now: an adapter that Windows installs, and what belongs to it, comes after a while.</summary>
        private static IEnumerable<JsonObject> Items(string list) =>
            Pc.State[list]?.AsArray().Select(item => item!.AsObject()).Where(item => ((double?)item["from"] ?? 0) <= Pc.Now)
            ?? Enumerable.Empty<JsonObject>();

        private static uint Index(JsonObject item) =>
            (uint)Items("adapters").First(adapter => (string)adapter["name"]! == (string)item["adapter"]!)["index"]!;
    }
}
