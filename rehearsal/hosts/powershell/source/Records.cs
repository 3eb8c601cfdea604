using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Management.Infrastructure;

namespace Rehearsal
{
    /// <summary>Small things of the PC that functions of psm1 files keep by key: users, rules, listeners.</summary>
    public static class Records
    {
        public static IEnumerable<PSObject> All(string list, string typeName) =>
            Of(Pc.State, list).Select(entry => Properties.Of(
                typeName, entry.Value!.AsObject().Select(pair => (pair.Key, Plain(pair.Value))).ToArray()));

        /// <summary>The key that holds the firewall's rules, a value each.</summary>
        public static PSObject FirewallRules() => Properties.Of(
            "System.Management.Automation.PSCustomObject",
            Model.Do("registered rules")!.AsObject().Select(one => (one.Key, (object?)(string)one.Value!)).ToArray());

        public static bool Has(string list, string key) => Of(Pc.State, list).ContainsKey(key);

        /// <summary>Sets values of one entry, which is made when it is not there.</summary>
        public static void Put(string list, string key, Hashtable values) =>
            Model.Do("put record", new Hashtable { ["list"] = list, ["key"] = key }, values);

        public static void Remove(string list, string key) =>
            Model.Do("remove record", new Hashtable { ["list"] = list, ["key"] = key });

        public static ErrorRecord Error(string message, string id, ErrorCategory category, object? target = null) =>
            new(new InvalidOperationException(message), id, category, target);

        private static JsonObject Of(JsonObject state, string list) => state[list]?.AsObject() ?? new JsonObject();

        private static object? Plain(JsonNode? value) => value?.GetValueKind() switch
        {
            null => null,
            System.Text.Json.JsonValueKind.Number => (int)value,
            System.Text.Json.JsonValueKind.True => true,
            System.Text.Json.JsonValueKind.False => false,
            _ => (string?)value,
        };
    }

    public static class Tasks
    {
        /// <summary>A part of a scheduled task: a CIM object with these properties.</summary>
        /// <remarks>Its own store of properties is a native library of Windows, so they are put beside it.</remarks>
        public static PSObject Part(Hashtable values)
        {
            var part = PSObject.AsPSObject(RuntimeHelpers.GetUninitializedObject(typeof(CimInstance)));
            foreach (DictionaryEntry pair in values)
            {
                part.Properties.Add(new PSNoteProperty((string)pair.Key, pair.Value), preValidated: true);
            }
            return part;
        }
    }

    public static class Services
    {
        public static void Set(string what, string service, string to) =>
            Model.Do("set value", what, new Hashtable { [service] = to });

        public static void SetSleep(int seconds) =>
            Model.Do("set value", "", new Hashtable { ["sleep_s"] = seconds });
    }

    /// <summary>What the account that asks may do on the PC, and what accounts need there.</summary>
    public static class Rights
    {
        public static bool Full => (string?)Pc.State["hyperv_refuses"] != "rights";

        /// <summary>What the PC's policy asks of a password.</summary>
        public static int PasswordLength => (int?)Pc.State["password_length"] ?? 0;
    }

    /// <summary>A real certificate with the names asked for; its key lies beside it, for the service.</summary>
    public static class Certificates
    {
        private const string AlternativeName = "2.5.29.17={text}";

        public static X509Certificate2 Make(string subject, string[] extensions, DateTime notAfter)
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            foreach (var name in extensions.Where(text => text.StartsWith(AlternativeName, StringComparison.Ordinal))
                .SelectMany(text => text[AlternativeName.Length..].Split('&')))
            {
                var value = name[(name.IndexOf('=') + 1)..];
                if (name.StartsWith("IPAddress=", StringComparison.OrdinalIgnoreCase))
                {
                    names.AddIpAddress(System.Net.IPAddress.Parse(value));
                }
                else
                {
                    names.AddDnsName(value);
                }
            }
            request.CertificateExtensions.Add(names.Build());
            var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-10), notAfter);
            var folder = Pc.StoreFolder;
            Directory.CreateDirectory(folder);
            File.WriteAllText(
                Path.Combine(folder, made.Thumbprint),
                made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
            return made;
        }
    }
}

namespace Microsoft.PowerShell.Commands
{
    /// <summary>Windows' own type of that name cannot be made on other systems.</summary>
    public class SecurityIdentifier
    {
        private readonly string _value;

        public SecurityIdentifier(string value) => _value = value;

        public override string ToString() => _value;
    }

    public class LocalPrincipal
    {
        public LocalPrincipal(string name) => Name = name;

        public string Name { get; }

        public override string ToString() => Name;
    }

    public enum ServiceStartMode { Boot = 0, System = 1, Automatic = 2, Manual = 3, Disabled = 4 }
}

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetConnectionProfile
{
    public enum NetworkCategory { Public = 0, Private = 1, DomainAuthenticated = 2 }
}

namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity
{
    public enum Direction { Inbound = 1, Outbound = 2 }

    public enum Action { NotConfigured = 0, Allow = 2, Block = 4 }

    [Flags]
    public enum Profile { Any = 0, Domain = 1, Private = 2, Public = 4, NotApplicable = 65536 }
}
