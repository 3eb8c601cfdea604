"""What powershell.exe writes to a redirected stderr: CLIXML, with progress records even when nothing went wrong."""

from __future__ import annotations

import textwrap
from xml.sax.saxutils import escape

HEAD = "#< CLIXML\r\n"
OBJECTS = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
CONSOLE_COLUMNS = 80

# Seen on any Windows at the first use of a module in a session, whatever $ProgressPreference the script then sets.
PROGRESS = (
    '<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T>'
    '<T>System.Object</T></TN><MS><I64 N="SourceId">1</I64><PR N="Record">'
    "<AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T>"
    "<SR>-1</SR><SD> </SD></PR></MS></Obj>"
)


def stderr(text: str = "") -> bytes:
    """Return the stderr of a finished powershell.exe that wrote `text` there, wrapped as its console wraps it."""
    lines = [wrapped for line in text.splitlines() for wrapped in wrap(line)]
    errors = "".join(f'<S S="Error">{escape(line)}_x000D__x000A_</S>' for line in lines)
    return f"{HEAD}{OBJECTS}{PROGRESS}{errors}</Objs>".encode()


def wrap(line: str) -> list[str]:
    """Break a line in mid-sentence at the console's width, as the error formatter does."""
    return textwrap.wrap(line, CONSOLE_COLUMNS - 1, drop_whitespace=False) or [""]
