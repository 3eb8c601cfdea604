using System;
using System.Text.Json.Nodes;
using Microsoft.HyperV.PowerShell;

namespace Rehearsal
{
    public static class Clock
    {
        /// <summary>Seconds since 1970, as the Python side writes them.</summary>
        public static double Now => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
    }

    /// <summary>What Hyper-V accepts as memory, used by New-VM, Set-VM and Set-VMMemory.</summary>
    public static class MemoryRules
    {
        private const long Granule = 2L << 20;
        private const long Smallest = 32L << 20;
        private const long Largest = 12L << 40;

        public static void Check(string name, long bytes)
        {
            if (bytes is < Smallest or > Largest || bytes % Granule != 0)
            {
                throw Refuse.Parameter(
                    $"Failed to modify device 'Memory'.\nInvalid memory value assigned for '{name}'. Memory values " +
                    "must be properly aligned.\n" +
                    $"The memory value assigned ('{bytes >> 20}' MB) is not properly aligned.");
            }
        }

        public static void Apply(VirtualMachine machine, bool? dynamic, long? startup, long? minimum, long? maximum)
        {
            var willBeDynamic = dynamic ?? machine.DynamicMemoryEnabled;
            if (!willBeDynamic && (minimum ?? maximum) is not null)
            {
                throw Refuse.Parameter(
                    "Setting maximum, minimum, and buffer settings requires Dynamic Memory to be enabled.");
            }
            foreach (var bytes in new[] { startup, minimum, maximum })
            {
                if (bytes is { } given)
                {
                    Check(machine.Name, given);
                }
            }
            var toggles = dynamic is { } wanted && wanted != machine.DynamicMemoryEnabled;
            var resizes = startup is { } size && size != machine.MemoryStartup;
            // Static memory can be resized while the VM runs; everything else needs it off.
            if (!machine.Off && (toggles || (resizes && (willBeDynamic || machine.State != VMState.Running))))
            {
                throw Refuse.DeviceInUse(machine, "Memory");
            }
            Pc.ChangeMachine(machine.Key, vm =>
            {
                vm["dynamic_memory"] = willBeDynamic;
                Put(vm, "memory_bytes", startup);
                Put(vm, "memory_minimum_bytes", minimum);
                Put(vm, "memory_maximum_bytes", maximum);
            });
        }

        private static void Put(JsonObject vm, string key, long? value)
        {
            if (value is not null)
            {
                vm[key] = value;
            }
        }
    }

    public static class ProcessorRules
    {
        public static void SetCount(VirtualMachine machine, long count)
        {
            if (!machine.Off)
            {
                throw Refuse.DeviceInUse(machine, "Processor");
            }
            if (count < 1 || count > (long)Pc.State["cpu"]!["logical"]!)
            {
                throw Refuse.Parameter(
                    "Failed to modify device 'Processor'.\n" +
                    $"Invalid number of virtual processors assigned for '{machine.Name}'.");
            }
            Pc.ChangeMachine(machine.Key, vm => vm["cpus"] = count);
        }
    }
}
