using System;
using System.Collections;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Threading;

namespace Microsoft.HyperV.PowerShell
{
    /// <summary>The one exception type of the Hyper-V module 2.0.</summary>
    public class VirtualizationException : Exception
    {
        public VirtualizationException(
            string message, string errorIdentifier, ErrorCategory errorCategory, object? target = null)
            : base(message)
        {
            ErrorIdentifier = errorIdentifier;
            ErrorCategory = errorCategory;
            TargetObject = target;
        }

        public string ErrorIdentifier { get; }
        public ErrorCategory ErrorCategory { get; }
        public object? TargetObject { get; }

        public ErrorRecord Record => new(this, ErrorIdentifier, ErrorCategory, TargetObject);
    }
}

namespace Rehearsal
{
    using Microsoft.HyperV.PowerShell;

    /// <summary>Something that only somebody at a keyboard, or -Force, decides.</summary>
    public class QuestionException : VirtualizationException
    {
        public QuestionException(string question, VirtualizationException refusal)
            : base(refusal.Message, refusal.ErrorIdentifier, refusal.ErrorCategory) => Question = question;

        public string Question { get; }
    }

    /// <summary>How this PC behaves: Python (rehearsal/hosts/pc), asked by a line of JSON each way (server.py).</summary>
    public static class Model
    {
        private static readonly object Turn = new();
        private static StreamWriter? _requests;
        private static StreamReader? _answers;

        /// <summary>Asks for one cmdlet's work on one object; what is refused is thrown.</summary>
        public static JsonNode? Do(string cmdlet, object? on = null, IDictionary? given = null)
        {
            var request = new JsonObject
            {
                ["pc"] = Pc.Folder, ["cmdlet"] = cmdlet, ["on"] = Node(on), ["given"] = Node(given ?? new Hashtable()),
            };
            lock (Turn)
            {
                return Result(JsonNode.Parse(Exchange(request.ToJsonString()) ?? PowerIsOff())!);
            }
        }

        /// <summary>The work of a function of a psm1 file; what is refused is written in its name. Whether it was done.</summary>
        public static bool Did(PSCmdlet function, object? on, IDictionary given)
        {
            try
            {
                Do(function.MyInvocation.MyCommand.Name, on, given);
                return true;
            }
            catch (VirtualizationException refusal)
            {
                var error = new InvalidOperationException(refusal.Message);
                function.WriteError(new ErrorRecord(
                    error, refusal.ErrorIdentifier, refusal.ErrorCategory, refusal.TargetObject));
                return false;
            }
        }

        private static JsonNode? Result(JsonNode answer)
        {
            if (answer["refusal"] is not { } refusal)
            {
                return answer["result"];
            }
            var refused = new VirtualizationException(
                (string)refusal["message"]!, (string)refusal["id"]!,
                Enum.Parse<ErrorCategory>((string)refusal["category"]!), (string?)refusal["target"]);
            throw answer["question"] is { } question ? new QuestionException((string)question!, refused) : refused;
        }

        private static string? Exchange(string request)
        {
            if (_requests is null)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                socket.Connect(new UnixDomainSocketEndPoint(Pc.Variable("REHEARSAL_MODEL")));
                var stream = new NetworkStream(socket, ownsSocket: true);
                (_requests, _answers) = (new StreamWriter(stream), new StreamReader(stream));
            }
            try
            {
                _requests.Write(request + "\n");
                _requests.Flush();
                return _answers!.ReadLine();
            }
            catch (IOException)
            {
                return null;
            }
        }

        /// <summary>The PC's power failed: this process ends as everything on the PC does.</summary>
        private static string PowerIsOff()
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
            return "";
        }

        /// <summary>A parameter as JSON; an enum by its name, an object of Hyper-V's by what names it.</summary>
        private static JsonNode? Node(object? value) => value switch
        {
            null => null,
            PSObject wrapped => Node(wrapped.BaseObject),
            JsonNode node => node.DeepClone(),
            VirtualizationObject known => known.Reference,
            SwitchParameter flag => flag.IsPresent,
            bool flag => flag,
            Enum or Guid or string => value.ToString(),
            // What enumerates a Dictionary gives no DictionaryEntry: a Hashtable does.
            IDictionary table => new JsonObject(new Hashtable(table).Cast<DictionaryEntry>()
                .ToDictionary(pair => (string)pair.Key, pair => Node(pair.Value))),
            IEnumerable items => new JsonArray(items.Cast<object?>().Select(Node).ToArray()),
            ulong large => large,
            byte or short or ushort or int or uint or long => Convert.ToInt64(value),
            _ => value.ToString(),
        };
    }
}
