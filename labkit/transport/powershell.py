"""How a script travels to Windows PowerShell 5.1 and its answer back. Pure: bytes in, bytes out.

The command line is fixed: a line of cmd.exe ends at 8,191 characters, so neither a script nor its parameters may stand
there, and what is not templated cannot be injected into. Both go through standard input, as bytes. `-Command -` would
read them too, but line by line as if typed, and mangles multi-line blocks in 5.1 (PowerShell issues 2068 and 3223).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.project import POWERSHELL

PRELUDE = "Lab"  # Lab.ps1: the functions that the scripts share

# Warnings would be written to standard output and progress as CLIXML; the answer alone belongs there. It goes past the
# formatter, which may wrap lines at the console's width, and is ASCII whatever the console's code page is. Several
# scripts may share a command: it costs a host more to start PowerShell than to answer. .NET reads UTF-8 by itself.
# The prelude gets its name here, so that a line of it is never told as a line of the script.
STUB = r"""
$ErrorActionPreference='Stop';$ProgressPreference=$WarningPreference='SilentlyContinue'
$r=New-Object IO.StreamReader([Console]::OpenStandardInput())
$p,$s=$r.ReadToEnd().Split([char[]]"`n",2);$s=$s.Split([char]12);$c=$n=0;$o=@{}
.([Management.Automation.Language.Parser]::ParseInput($s[0],'Lab.ps1',[ref]$null,[ref]$null).GetScriptBlock())
try{foreach($q in (ConvertFrom-Json $p)){$h=@{};$q.psobject.Properties|%{$h[$_.Name]=$_.Value}
(&([ScriptBlock]::Create($s[++$n])) @h).GetEnumerator()|%{$o[$_.Key]=$_.Value}}}
catch{$c=1;$o=@{error=ConvertTo-LabError $_}}
$j=ConvertTo-Json $o -Depth 9 -Compress
[Console]::Out.WriteLine([regex]::Replace($j,'[^ -~]',{'\u{0:x4}' -f [int][char]$args[0].Value}))
exit $c
""".strip()


@dataclass(frozen=True)
class PowerShellError:
    """An error record as Lab.ps1 tells it. Decide on `id` and `category`: the message is localised.

    `line` is one of `script`; of the script that was sent when that is empty.
    """

    message: str
    id: str
    category: str
    line: int | None = None
    script: str = ""

    @property
    def short_id(self) -> str:
        """The id without the cmdlet that raised it: `ObjectNotFound` of `ObjectNotFound,Microsoft.HyperV...GetVM`."""
        return self.id.partition(",")[0]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> PowerShellError:
        return cls(
            str(record["message"]).strip(), str(record["id"]), str(record["category"]), record.get("line"),
            str(record.get("script") or ""),
        )  # fmt: skip


def command_line() -> str:
    """The one command line that is ever sent to a host."""
    encoded = base64.b64encode(STUB.encode("utf-16-le")).decode("ascii")
    return f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"


def payload(script: str, parameters: Mapping[str, Any]) -> bytes:
    """What goes to standard input for one script, given as its text."""
    return _joined([script], [parameters])


def payload_of_all(calls: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The same for one or several of this project's scripts, by name, in one command; their answers come joined."""
    return _joined(map(script_text, calls), calls.values())


def _joined(scripts: Iterable[str], parameters: Iterable[Mapping[str, Any]]) -> bytes:
    """One line of ASCII JSON, the list of each script's parameters; then the prelude and the scripts' texts.

    A form feed stands between two texts.
    """
    first = json.dumps(list(parameters), ensure_ascii=True)
    return f"{first}\n".encode("ascii") + "\f".join([script_text(PRELUDE), *scripts]).encode("utf-8")


def script_text(script: str) -> str:
    """The text of scripts/powershell/<script>.ps1."""
    return Path(POWERSHELL / f"{script}.ps1").read_text(encoding="ascii")


def answer(host: str, script: str, stdout: bytes, stderr: bytes, code: int) -> dict[str, Any]:
    """The object a script emitted.

    Judged by standard output alone: standard error carries progress and warnings as CLIXML on success too. Raises the
    LabError of an error that was reported, or UnreachableError when there is no answer, showing what was said instead.
    """
    lines = stdout.decode("utf-8-sig", "replace").strip().splitlines()
    try:
        value = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        said = clixml_text(stderr.decode("utf-8", "replace")) or "\n".join(lines[-15:]) or "it said nothing"
        raise UnreachableError(
            f"host {host}: {script} gave no answer (code {code}): {said}",
            "Windows PowerShell 5.1 is needed there; `inv hyperv.check` looks at the host",
        )
    if "error" in value:
        raise lab_error(host, script, PowerShellError.of(value["error"]))
    return value


def lab_error(host: str, script: str, error: PowerShellError, machine: str | None = None) -> LabError:
    """The LabError for a PowerShell error; class and hint follow from its id, category and Windows' own numbers.

    Never from the words of its message, which are translated.
    """
    where = f"host {host}" + (f", machine {machine}" if machine else "")
    line = f", line {error.line}" if error.line else ""
    file = error.script or f"{script}.ps1"
    text = f"{where}: {error.message} [{error.id or 'no id'}, {error.category}; {file}{line}]"
    for known, kind, hint in ADVICE:
        if known in (error.id, error.short_id, error.category, *HRESULT.findall(error.message)):
            return kind(text, hint)
    return LabError(text, "`inv hyperv.plan` shows the state that is left; repeating the command goes on from there")


HRESULT = re.compile(r"0x[0-9A-F]{8}")
NO_FOLDER = (
    r"the folder `vm_path` of the lab's file: on NTFS or ReFS, with full rights for SYSTEM and for "
    r"NT VIRTUAL MACHINE\Virtual Machines, which a folder on another drive may lack"
)
NO_DISKS = (
    "the folder `vm_path` is compressed or encrypted, and so is what is made there: as administrator there `compact /u "
    "/s:FOLDER`, `cipher /d /s:FOLDER`; on ReFS without integrity (Set-FileIntegrity). Then repeat"
)
NO_RIGHTS = (
    "the account must be in Administrators there, with full rights over the network (LocalAccountTokenFilterPolicy): "
    "Enable-LabHost.ps1 sees to both"
)
NO_PEER = (
    "the switch would be made without anybody to prove it by: is the cable in, does the PC's gateway or another PC of "
    "the lab answer there? (hosts.<host>.uplink names the adapter)"
)
ADVICE: tuple[tuple[str, type[LabError], str], ...] = (
    ("0xC03A001A", RefusedError, NO_DISKS),
    ("AccessDenied,Microsoft.HyperV.PowerShell.Commands.StartVM", RefusedError, NO_FOLDER),
    ("AccessDenied,Microsoft.Vhd.PowerShell.Cmdlets.NewVhd", RefusedError, NO_FOLDER),
    ("LabNotOurs", RefusedError, "only machines with this lab's mark are touched; `inv hyperv.plan` shows them"),
    ("LabNameTaken", RefusedError, "rename or remove that VM in Hyper-V Manager, or choose another lab.id"),
    ("LabNotRunning", RefusedError, "`inv hyperv.start`; a machine that is off shows nothing"),
    ("LabNotOff", RefusedError, "`inv lab.stop`, then repeat"),
    ("LabNoCheckpoint", RefusedError, "`inv hyperv.checkpoints` lists those that are there"),
    ("LabSwitchBusy", RefusedError, "it ends by itself within minutes, or with that PC's next start; then repeat"),
    (
        "LabSwitchUsed",
        RefusedError,
        "`inv lab.destroy` removes the lab's VMs; connect others with another switch there",
    ),
    ("LabNobodyAnswers", RefusedError, NO_PEER),
    ("LabNoAdapter", RefusedError, "`inv hyperv.check` looks at the adapters there"),
    ("LabNatTaken", RefusedError, "Windows carries one such network: remove that one there (Remove-NetNat), or use it"),
    ("LabSwitchMissing", RefusedError, "`inv hyperv.check` says which switch is needed"),
    ("CommandNotFoundException", RefusedError, "enable Hyper-V and its PowerShell module there; `inv hyperv.check`"),
    (
        "InvalidOperation,Microsoft.HyperV.PowerShell.Commands.StopVM",
        LabError,
        "its system cannot be asked to shut down (none installed, or installing): `inv hyperv.stop --cut-power`",
    ),
    ("OutOfMemory", LabError, "close programs on that PC, or give its machines less memory_mb in the lab's file"),
    ("AccessDenied", RefusedError, NO_RIGHTS),
    ("PermissionDenied", RefusedError, NO_RIGHTS),
    ("ObjectInUse", LabError, "something else holds it (a backup, a mounted disk): release it there, then repeat"),
    ("InvalidState", RefusedError, "the machine's state does not allow it: `inv hyperv.status`, then repeat"),
    ("ObjectNotFound", LabError, "`inv hyperv.check` looks at the Hyper-V service and at what should be there"),
)
"""Error id (whole or short), category or HRESULT -> class and hint; the first that fits counts."""


def clixml_text(text: str) -> str:
    """The words in PowerShell's CLIXML, for display only; other text comes back as it is.

    Over WinRM an error is one <S S="Error"> a console line, wrapped in mid-sentence, with control characters written
    as _x000D_.
    """
    if not text.lstrip().startswith("#< CLIXML"):
        return text.strip()
    words = "".join(re.findall(r'<S S="(?:Error|Warning)">(.*?)</S>', text, re.DOTALL))
    return re.sub(r"_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), unescape(words)).strip()
