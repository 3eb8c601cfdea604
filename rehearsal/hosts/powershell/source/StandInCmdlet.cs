using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Text.Json.Nodes;
using Microsoft.HyperV.PowerShell;

namespace Rehearsal
{
    /// <summary>
    /// A cmdlet binds its parameters, asks the model for each object's work and writes what comes back. What is refused
    /// goes to WriteError, so it does not end the script by itself, and the next object goes on.
    /// </summary>
    public abstract class StandInCmdlet : PSCmdlet
    {
        protected abstract void Act();

        protected override void ProcessRecord() => Try(Act);

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

        /// <summary>This cmdlet's work on one object, with the parameters that were given.</summary>
        protected JsonNode? Do(object? on = null)
        {
            var given = new Hashtable((IDictionary)MyInvocation.BoundParameters);
            try
            {
                return Model.Do(MyInvocation.MyCommand.Name, on, given);
            }
            catch (QuestionException question)
            {
                if (!IsAnswered(question))
                {
                    return null;
                }
                given["Force"] = true;
                return Model.Do(MyInvocation.MyCommand.Name, on, given);
            }
        }

        private bool IsAnswered(QuestionException question)
        {
            try
            {
                return ShouldContinue(question.Question, "Confirm");
            }
            catch (Exception e) when (e is PSInvalidOperationException or HostException)
            {
                throw question;  // nobody is there to be asked
            }
        }

        protected bool Given(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);

        /// <summary>Whether a cmdlet that changes something shall: it says so instead with -WhatIf.</summary>
        protected bool Shall(string target) => ShouldProcess(target, MyInvocation.MyCommand.Name);

        /// <summary>VMs by names, which may be patterns; the names that nobody has are errors of their own.</summary>
        protected IEnumerable<VirtualMachine> Named(IEnumerable<string> names)
        {
            foreach (var name in names)
            {
                var found = Enumerable.Empty<VirtualMachine>();
                Try(() => found = Machines(Model.Do("find", name)));
                foreach (var machine in found)
                {
                    yield return machine;
                }
            }
        }

        protected static IEnumerable<VirtualMachine> All() => Machines(Model.Do("Get-VM"));

        protected static List<VirtualMachine> Machines(JsonNode? ids) =>
            Texts(ids).Select(id => new VirtualMachine(id)).ToList();

        protected static List<string> Texts(JsonNode? list) => list!.AsArray().Select(one => (string)one!).ToList();

        protected static bool Matches(string pattern, string name) =>
            WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(name);
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
                Try(() => Act(machine));
            }
        }
    }

    /// <summary>A cmdlet that gives out parts of VMs; the model says whether Hyper-V answers and has the VM.</summary>
    public abstract class MachineView : MachineCmdlet
    {
        protected abstract object Seen(VirtualMachine machine);

        protected override void Act(VirtualMachine machine)
        {
            Do(machine);
            WriteObject(Seen(machine), true);
        }
    }

    /// <summary>A cmdlet that changes VMs or parts of them, and gives out with -Passthru what it made or changed.</summary>
    public abstract class MachineChange : MachineCmdlet
    {
        [Parameter] public SwitchParameter Passthru { get; set; }

        protected abstract object Changed(VirtualMachine machine, JsonNode? made);

        protected override void Act(VirtualMachine machine)
        {
            if (!Shall(machine.Name))
            {
                return;
            }
            var made = Do(machine);
            if (Passthru)
            {
                WriteObject(Changed(machine, made));
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

        protected virtual object Changed(VirtualMachine machine, JsonNode? made) => machine;

        protected override void Act()
        {
            foreach (var machine in ParameterSetName == "Name" ? Named(Name) : VM)
            {
                Try(() => Act(machine));
            }
        }

        private void Act(VirtualMachine machine)
        {
            if (!Shall(machine.Name))
            {
                return;
            }
            var made = Do(machine);
            if (made is JsonValue warning && (string)warning! != "")
            {
                WriteWarning((string)warning!);
            }
            if (Passthru)
            {
                WriteObject(Changed(machine, made));
            }
        }
    }
}
