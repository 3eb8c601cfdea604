using System;
using System.IO;
using System.Linq;
using System.Management.Automation;
using Rehearsal;

namespace Microsoft.PowerShell.Commands
{
    /// <summary>
    /// PowerShell's own Remove-Item, but for what Linux would allow: deleting a file that somebody has open.
    /// </summary>
    [Cmdlet("Remove", "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true)]
    public class RemoveItemCommand : PSCmdlet
    {
        [Parameter(ParameterSetName = "LiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
        [Alias("PSPath")]
        public string[] LiteralPath { get; set; } = Array.Empty<string>();

        protected override void ProcessRecord()
        {
            foreach (var path in LiteralPath)
            {
                if (IsOpen(path))
                {
                    WriteError(new ErrorRecord(
                        new IOException(
                            $"Cannot remove item {path}: The process cannot access the file '{path}' because it is " +
                            "being used by another process."),
                        "RemoveFileSystemItemIOError", ErrorCategory.WriteError, path));
                }
                else if (ShouldProcess(path))
                {
                    Pc.BeforeFiles();
                    InvokeProvider.Item.Remove(new[] { path }, recurse: false, force: false, literalPath: true);
                }
            }
        }

        private static bool IsOpen(string path) => Pc.Listed("held_files", path) || Pc.Machines
            .Where(vm => (string)vm.Value!["state"]! is not ("Off" or "Saved"))
            .SelectMany(vm => vm.Value!["drives"]!.AsArray())
            .Any(drive => Pc.Same((string?)drive!["path"], path));
    }
}
