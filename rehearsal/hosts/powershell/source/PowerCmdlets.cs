using System;
using System.Diagnostics;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using System.Threading;
using Rehearsal;

namespace Microsoft.HyperV.PowerShell.Commands
{
    [Cmdlet("Start", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class StartVM : NamedMachineCmdlet
    {
        protected override void Act(VirtualMachine machine)
        {
            if (!ShouldProcess(machine.Name, "Start-VM"))
            {
                return;
            }
            switch (machine.State)
            {
                case VMState.Running:
                    WriteWarning("The virtual machine is already in the specified state.");
                    return;
                case VMState.Off or VMState.Saved:
                    Pc.Change(state => PowerOn(state, machine));
                    return;
                case VMState.Paused:
                    WriteWarning(
                        $"The virtual machine \"{machine.Name}\" was paused. Use the Resume-VM cmdlet instead.");
                    Pc.ChangeMachine(machine.Key, vm => vm["state"] = "Running");
                    return;
                default:
                    throw Refuse.WrongState(machine);
            }
        }

        private static void PowerOn(JsonObject state, VirtualMachine machine)
        {
            var vm = state["vms"]![machine.Key]?.AsObject() ?? throw Refuse.NoMachineWithId(machine.Key);
            var failed = $"'{machine.Name}' failed to start.";
            var withId = $"{failed} (Virtual machine ID {machine.Key.ToUpperInvariant()})";
            var disks = vm["drives"]!.AsArray().Concat(vm["dvds"]!.AsArray());
            foreach (var path in disks.Select(drive => (string?)drive!["path"]).OfType<string>())
            {
                CheckFile(path, withId, $"'{machine.Name}'");
            }
            CheckAdapters(state, vm, failed);
            CheckHypervisor(state, withId, failed, machine.Name);
            CheckMemory(state, machine, (long)vm["memory_bytes"]!, failed);
            var fresh = vm["adapters"]!.AsArray().Where(adapter => (string)adapter!["mac"]! == Adapters.NoMac);
            foreach (var adapter in fresh)
            {
                adapter!["mac"] = Adapters.FreeMac(state);
            }
            vm["state"] = "Running";
            vm["power_on_count"] = (int)vm["power_on_count"]! + 1;
            vm["started_at"] = Clock.Now;
        }

        private static void CheckFile(string path, string failed, string name)
        {
            if (Pc.Listed("barred_files", path))
            {
                throw Refuse.Denied(failed);
            }
            var held = Pc.Listed("held_files", path);
            if (held || !Pc.FileExists(path))
            {
                throw Refuse.Unspecified(
                    $"{failed}\n{name} Synthetic SCSI Controller: Failed to Power on with Error '" +
                    (held
                        ? "The process cannot access the file because it is being used by another process.' (0x80070020)"
                        : "The system cannot find the file specified.' (0x80070002)") +
                    $".\n{name}: Failed to open attachment '{path}'.");
            }
        }

        /// <summary>Words: MicrosoftDocs/Virtualization-Documentation#1432; id of a start that failed so: minikube#6601.</summary>
        private static void CheckHypervisor(JsonObject state, string failedWithId, string failed, string name)
        {
            if (!(bool)state["hypervisor"]!)
            {
                throw Refuse.Failed(
                    $"{failed}\nVirtual machine '{name}' could not be started because the hypervisor is not " +
                    $"running.\n{failedWithId}");
            }
        }

        /// <summary>The same want of memory has two names: one when there is none, one when it lies scattered.</summary>
        private static void CheckMemory(JsonObject state, VirtualMachine machine, long needed, string failed)
        {
            if (needed <= Pc.FreeMemory(state))
            {
                return;
            }
            if ((bool?)state["memory_scattered"] == true)
            {
                throw Refuse.Unspecified(
                    $"{failed}\nUnable to allocate {needed >> 20} MB of RAM: Insufficient system resources exist to " +
                    "complete the requested service. (0x800705AA).");
            }
            throw Refuse.OutOfMemory(
                $"{failed}\nNot enough memory in the system to start the virtual machine {machine.Name} with ram " +
                $"size {needed >> 20} megabytes.\nCould not initialize memory: Not enough memory resources are " +
                "available to complete this operation. (0x8007000E).");
        }

        private static void CheckAdapters(JsonObject state, JsonObject vm, string failed)
        {
            var switches = state["switches"]!.AsArray().Select(s => (string)s!["name"]!).ToList();
            var others = state["vms"]!.AsObject().Select(pair => pair.Value!)
                .Where(other => other != vm && (string)other["state"]! != "Off")
                .SelectMany(other => other["adapters"]!.AsArray())
                .Select(adapter => (string)adapter!["mac"]!).ToHashSet();
            foreach (var adapter in vm["adapters"]!.AsArray())
            {
                var gone = (string?)adapter!["switch"] is { } name && !switches.Contains(name);
                var taken = (string)adapter["mac"]! != Adapters.NoMac && others.Contains((string)adapter["mac"]!);
                if (gone || taken)
                {
                    throw Refuse.Unspecified(
                        $"{failed}\nSynthetic Ethernet Port: Error 'Access is denied.'. Failed to allocate resources " +
                        "while connecting to a virtual network. The Ethernet switch may not exist.");
                }
            }
        }
    }

    [Cmdlet("Stop", "VM", DefaultParameterSetName = "Name", SupportsShouldProcess = true)]
    public class StopVM : NamedMachineCmdlet
    {
        private static readonly TimeSpan GuestPatience = TimeSpan.FromMinutes(5);

        [Parameter] public SwitchParameter TurnOff { get; set; }
        [Parameter] public SwitchParameter Save { get; set; }
        [Parameter] public SwitchParameter Force { get; set; }

        protected override void Act(VirtualMachine machine)
        {
            if (TurnOff && Save)
            {
                throw Refuse.Parameter("The parameters TurnOff and Save cannot be specified together.");
            }
            if (!ShouldProcess(machine.Name, "Stop-VM"))
            {
                return;
            }
            if (machine.Off)
            {
                if (Save)
                {
                    throw Refuse.WrongState(machine);
                }
                WriteWarning("The virtual machine is already in the specified state.");
            }
            else if (TurnOff)
            {
                To(machine, "Off");
            }
            else if (Save)
            {
                To(machine, "Saved");
            }
            else
            {
                ShutDown(machine);
            }
        }

        private void ShutDown(VirtualMachine machine)
        {
            if (machine.State != VMState.Running || !(bool)machine.Data["shutdown_service"]!)
            {
                var question = $"Hyper-V can't shut down virtual machine \"{machine.Name}\" because the Shutdown " +
                    "integration service is unavailable. You can turn off the virtual machine, but doing so might " +
                    "result in data loss.";
                if (Force || Ask(question, "Confirm"))
                {
                    To(machine, "Off");
                }
                return;
            }
            if ((bool?)machine.Data["guest_refuses"] == true)
            {
                GiveUp(machine);
                return;
            }
            To(machine, "Stopping");
            var waited = Stopwatch.StartNew();
            while (machine.Exists && !machine.Off)
            {
                if (waited.Elapsed > GuestPatience)
                {
                    GiveUp(machine);
                    return;
                }
                Thread.Sleep(100);
            }
        }

        private void GiveUp(VirtualMachine machine)
        {
            WriteError(Refuse.Failed($"Failed to shut down virtual machine \"{machine.Name}\".").Record);
            To(machine, Force ? "Off" : "Running");
        }

        private static void To(VirtualMachine machine, string state) => Pc.ChangeMachine(machine.Key, vm =>
        {
            vm["state"] = state;
            if (state is "Off" or "Saved")
            {
                vm["started_at"] = null;
                vm["heartbeat"] = "NoContact";
                vm["shutdown_service"] = false;
            }
        });
    }
}
