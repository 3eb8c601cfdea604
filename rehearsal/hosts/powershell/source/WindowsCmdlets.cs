using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.ServiceProcess;
using System.Text.Json.Nodes;
using Rehearsal;

namespace Rehearsal
{
    /// <summary>Objects with nothing but properties, under the type name that Windows gives them.</summary>
    public static class Properties
    {
        public static PSObject Of(string typeName, params (string Name, object? Value)[] properties)
        {
            var result = new PSObject();
            result.TypeNames.Insert(0, typeName);
            foreach (var (name, value) in properties)
            {
                result.Properties.Add(new PSNoteProperty(name, value));
            }
            return result;
        }

        public static PSObject Cim(string className, params (string Name, object? Value)[] properties) =>
            Of($"Microsoft.Management.Infrastructure.CimInstance#{className}", properties);
    }
}

namespace Microsoft.Management.Infrastructure.CimCmdlets
{
    [Cmdlet("Get", "CimInstance", DefaultParameterSetName = "ClassNameComputerSet")]
    public class GetCimInstanceCommand : PSCmdlet
    {
        private const string Cimv2 = "ROOT/cimv2/";
        private const string Power = "ROOT/cimv2/power/";
        private const string Storage = "ROOT/Microsoft/Windows/Storage/";
        private const ushort Ssd = 4;
        private const string Scheme = "381b4222-f694-41f0-9685-ff5bb260df2e";
        private const string SleepAfter = "29f6c1db-86da-48c5-9fdb-f2b67b1f44da";

        [Parameter(
            ParameterSetName = "ClassNameComputerSet", Mandatory = true, Position = 0,
            ValueFromPipelineByPropertyName = true)]
        public string ClassName { get; set; } = "";

        [Parameter(ParameterSetName = "ClassNameComputerSet", ValueFromPipelineByPropertyName = true)]
        public string Namespace { get; set; } = "";

        [Parameter(ParameterSetName = "ClassNameComputerSet", ValueFromPipelineByPropertyName = true)]
        [Alias("SelectProperties")]
        public string[] Property { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "ClassNameComputerSet", ValueFromPipelineByPropertyName = true)]
        public string Filter { get; set; } = "";

        protected override void ProcessRecord()
        {
            switch (ClassName.ToLowerInvariant())
            {
                case "win32_pingstatus":
                    WriteObject(Network.Pinged(Filter), true);
                    break;
                case "win32_operatingsystem":
                    WriteObject(OperatingSystem(Pc.State));
                    break;
                case "win32_computersystem":
                    WriteObject(ComputerSystem(Pc.State));
                    break;
                case "win32_powerplan":
                    WriteObject(Properties.Cim(
                        Power + "Win32_PowerPlan",
                        ("InstanceID", $"Microsoft:PowerPlan\\{{{Scheme}}}"),
                        ("IsActive", true)));
                    break;
                case "win32_powersettingdataindex":
                    WriteObject(Properties.Cim(
                        Power + "Win32_PowerSettingDataIndex",
                        ("InstanceID", $"Microsoft:PowerSettingDataIndex\\{{{Scheme}}}\\AC\\{{{SleepAfter}}}"),
                        ("SettingIndexValue", (uint)(Pc.State["sleep_s"] ?? 0))));
                    break;
                case "win32_logicaldisk":
                    WriteObject(Network.Drives(Filter), true);
                    break;
                case "msft_partition":
                    WriteObject(Properties.Cim(
                        Storage + "MSFT_Partition",
                        ("DriveLetter", ((string)Pc.State["volume"]!["letter"]!)[0]), ("DiskNumber", 0u)));
                    break;
                case "msft_physicaldisk":
                    WriteObject(Properties.Cim(
                        Storage + "MSFT_PhysicalDisk",
                        ("DeviceId", "0"), ("MediaType", (ushort?)Pc.State["volume"]!["media_type"] ?? Ssd)));
                    break;
                case "win32_processor":
                    WriteObject(Processor(Pc.State["cpu"]!));
                    break;
                default:
                    WriteError(new ErrorRecord(
                        new InvalidOperationException("Invalid class "), "HRESULT 0x80041010",
                        ErrorCategory.MetadataError, ClassName));
                    break;
            }
        }

        private static PSObject OperatingSystem(JsonObject state) => Properties.Cim(
            Cimv2 + "Win32_OperatingSystem",
            ("Caption", (string)state["os"]!["caption"]!),
            ("Version", (string)state["os"]!["version"]!),
            ("BuildNumber", (string)state["os"]!["build"]!),
            ("OperatingSystemSKU", (uint)state["os"]!["sku"]!),
            ("ProductType", 1u),
            ("CSName", Pc.Name),
            // WMI counts these two in kilobytes.
            ("TotalVisibleMemorySize", (ulong)state["memory_bytes"]! / 1024),
            ("FreePhysicalMemory", (ulong)Model.Do("free memory")! / 1024),
            ("LocalDateTime", DateTime.Now));

        private static PSObject ComputerSystem(JsonObject state) => Properties.Cim(
            Cimv2 + "Win32_ComputerSystem",
            ("Name", Pc.Name),
            ("DNSHostName", (string?)state["dns_host_name"] ?? Pc.Name),
            ("TotalPhysicalMemory", (ulong)state["memory_bytes"]!),
            ("NumberOfProcessors", 1u),
            ("NumberOfLogicalProcessors", (uint)state["cpu"]!["logical"]!),
            ("HypervisorPresent", (bool)state["hypervisor"]!));

        private static PSObject Processor(JsonNode cpu) => Properties.Cim(
            Cimv2 + "Win32_Processor",
            ("Name", (string)cpu["name"]!),
            ("Description", (string?)cpu["id"] ?? ""),
            ("Architecture", (ushort)cpu["architecture"]!),
            ("NumberOfCores", (uint)cpu["cores"]!),
            ("NumberOfLogicalProcessors", (uint)cpu["logical"]!));
    }
}

namespace Microsoft.PowerShell.Commands
{
    [Cmdlet("Get", "Service", DefaultParameterSetName = "Default")]
    public class GetServiceCommand : PSCmdlet
    {
        [Parameter(
            ParameterSetName = "Default", Position = 0, ValueFromPipeline = true,
            ValueFromPipelineByPropertyName = true)]
        [Alias("ServiceName")]
        public string[] Name { get; set; } = { "*" };

        protected override void ProcessRecord()
        {
            foreach (var name in Name)
            {
                var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
                var found = Pc.State["services"]!.AsObject().Where(service => pattern.IsMatch(service.Key)).ToList();
                WriteObject(found.Select(service => Properties.Of(
                    "System.ServiceProcess.ServiceController",
                    // PowerShell's own type data makes Name an alias of it.
                    ("ServiceName", service.Key),
                    ("StartType", Enum.Parse<ServiceStartMode>(
                        (string?)Pc.State["start_types"]?[service.Key] ?? "Automatic")),
                    ("Status", Enum.Parse<ServiceControllerStatus>((string)service.Value!)))), true);
                if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                {
                    WriteError(new ErrorRecord(
                        new InvalidOperationException($"Cannot find any service with service name '{name}'."),
                        "NoServiceFoundForGivenName", ErrorCategory.ObjectNotFound, name));
                }
            }
        }
    }
}

namespace Microsoft.Dism.Commands
{
    public abstract class FeatureCmdlet : PSCmdlet
    {
        [Parameter(ParameterSetName = "Online", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        public SwitchParameter Online { get; set; }

        [Parameter(ParameterSetName = "Online", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        public string[] FeatureName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "Online", ValueFromPipelineByPropertyName = true)]
        public SwitchParameter NoRestart { get; set; }

        protected abstract string Pending { get; }

        /// <summary>The change waits for a restart. A feature's parts are features of their own, and stay as they are.</summary>
        protected override void ProcessRecord()
        {
            foreach (var name in FeatureName)
            {
                if (Pc.State["features"]![name] is null)
                {
                    WriteError(new ErrorRecord(
                        new InvalidOperationException($"Feature name {name} is unknown."), "", ErrorCategory.NotSpecified, null));
                    return;
                }
                Model.Do("set value", "features", new Hashtable { [name] = Pending });
            }
            WriteObject(Properties.Of(
                "Microsoft.Dism.Commands.ImageObject", ("Online", true), ("RestartNeeded", true)));
        }
    }

    [Cmdlet("Enable", "WindowsOptionalFeature")]
    public class EnableWindowsOptionalFeatureCommand : FeatureCmdlet
    {
        [Parameter(ParameterSetName = "Online", ValueFromPipelineByPropertyName = true)]
        public SwitchParameter All { get; set; }

        protected override string Pending => "EnablePending";
    }

    [Cmdlet("Disable", "WindowsOptionalFeature")]
    public class DisableWindowsOptionalFeatureCommand : FeatureCmdlet
    {
        protected override string Pending => "DisablePending";
    }

    [Cmdlet("Get", "WindowsOptionalFeature", DefaultParameterSetName = "Online")]
    public class GetWindowsOptionalFeatureCommand : PSCmdlet
    {
        [Parameter(ParameterSetName = "Online", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        public SwitchParameter Online { get; set; }

        [Parameter(ValueFromPipelineByPropertyName = true)]
        public string FeatureName { get; set; } = "*";

        /// <summary>A feature that this edition of Windows does not have is no error: the answer is empty.</summary>
        protected override void ProcessRecord()
        {
            var pattern = WildcardPattern.Get(FeatureName, WildcardOptions.IgnoreCase);
            var found = Pc.State["features"]!.AsObject().Where(feature => pattern.IsMatch(feature.Key));
            WriteObject(found.Select(feature => Properties.Of(
                "Microsoft.Dism.Commands.AdvancedFeatureObject",
                ("FeatureName", feature.Key),
                ("Online", true),
                ("State", Enum.Parse<FeatureState>((string)feature.Value!)))), true);
        }
    }
}
