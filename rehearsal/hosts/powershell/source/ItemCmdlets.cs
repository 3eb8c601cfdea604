using System;
using System.IO;
using System.Management.Automation;
using Microsoft.HyperV.PowerShell;
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
                try
                {
                    Remove(path);
                }
                catch (VirtualizationException refusal)
                {
                    var error = new IOException(refusal.Message);
                    WriteError(new ErrorRecord(error, refusal.ErrorIdentifier, refusal.ErrorCategory, path));
                }
            }
        }

        private void Remove(string path)
        {
            if (ShouldProcess(path))
            {
                Model.Do("Remove-Item", path);
                InvokeProvider.Item.Remove(new[] { path }, recurse: false, force: false, literalPath: true);
            }
        }
    }
}
