using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using Microsoft.HyperV.PowerShell;

namespace Rehearsal
{
    /// <summary>
    /// How every Hyper-V cmdlet fails: the record goes to WriteError, so it does not end the script by itself, and a
    /// service that is down looks like an object that is not found.
    /// </summary>
    public abstract class StandInCmdlet : PSCmdlet
    {
        protected abstract void Act();

        protected override void ProcessRecord() => Try(() =>
        {
            // A service that is just starting runs, and finds nothing yet.
            var refuses = (string?)Pc.State["hyperv_refuses"];
            if (refuses == "rights")
            {
                throw Refuse.NoRights();
            }
            if (refuses == "starting" || (string)Pc.State["services"]!["vmms"]! != "Running")
            {
                throw Refuse.ServiceDown();
            }
            Act();
        });

        /// <summary>Runs one object's share of the work; what it refuses is written, the next object goes on.</summary>
        protected void Try(Action action)
        {
            try
            {
                action();
            }
            catch (VirtualizationException refusal)
            {
                WriteError(refusal.Record);
            }
        }

        protected bool Given(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);

        /// <summary>Asks a question that only -Force answers; without anybody to ask this is an error.</summary>
        protected bool Ask(string question, string caption)
        {
            try
            {
                return ShouldContinue(question, caption);
            }
            catch (Exception e) when (e is PSInvalidOperationException or HostException)
            {
                throw Refuse.NotInteractive();
            }
        }

        /// <summary>VMs by wildcard name, in order; a plain name that nobody has is an error.</summary>
        protected IEnumerable<VirtualMachine> Named(IEnumerable<string> names, bool asArgument = false)
        {
            foreach (var name in names)
            {
                var found = All().Where(vm => Matches(name, vm.Name)).ToList();
                if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                {
                    WriteError(Refuse.NoMachineNamed(name, asArgument).Record);
                }
                foreach (var machine in found)
                {
                    yield return machine;
                }
            }
        }

        protected static IEnumerable<VirtualMachine> All() => Pc.Machines
            .Select(vm => new VirtualMachine(vm.Value!.AsObject()))
            .OrderBy(vm => vm.Name, StringComparer.OrdinalIgnoreCase).ToList();

        protected static bool Matches(string pattern, string name) =>
            WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(name);

        /// <summary>The one switch of that name; none and several are refused differently.</summary>
        protected static string SwitchNamed(string pattern)
        {
            var found = Pc.State["switches"]!.AsArray().Where(s => Matches(pattern, (string)s!["name"]!)).ToList();
            return found.Count switch
            {
                0 => throw Refuse.NoSwitchNamed(pattern),
                1 => (string)found[0]!["name"]!,
                _ => throw Refuse.Operation("Sequence contains more than one element"),
            };
        }

        protected static void RequireExisting(VirtualMachine machine)
        {
            if (!machine.Exists)
            {
                throw Refuse.NoMachineWithId(machine.Id.ToString());
            }
        }
    }

    /// <summary>A cmdlet that takes its VMs as -VMName or -VM.</summary>
    public abstract class MachineCmdlet : StandInCmdlet
    {
        [Parameter(ParameterSetName = "VMName", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public string[] VMName { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        protected virtual IEnumerable<VirtualMachine> Targets => ParameterSetName == "VMName" ? Named(VMName) : VM;

        protected abstract void Act(VirtualMachine machine);

        protected override void Act()
        {
            foreach (var machine in Targets)
            {
                Try(() =>
                {
                    RequireExisting(machine);
                    Act(machine);
                });
            }
        }
    }

    /// <summary>A cmdlet about VMs themselves, which takes them as -Name or -VM.</summary>
    public abstract class NamedMachineCmdlet : StandInCmdlet
    {
        [Parameter(ParameterSetName = "Name", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        [Alias("VMName")]
        public string[] Name { get; set; } = Array.Empty<string>();

        [Parameter(ParameterSetName = "VMObject", Mandatory = true, Position = 0, ValueFromPipeline = true)]
        public VirtualMachine[] VM { get; set; } = Array.Empty<VirtualMachine>();

        [Parameter]
        public SwitchParameter Passthru { get; set; }

        protected abstract void Act(VirtualMachine machine);

        protected override void Act()
        {
            foreach (var machine in ParameterSetName == "Name" ? Named(Name) : VM)
            {
                Try(() =>
                {
                    RequireExisting(machine);
                    Act(machine);
                    if (Passthru)
                    {
                        WriteObject(machine);
                    }
                });
            }
        }
    }
}
