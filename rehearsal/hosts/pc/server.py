"""The way from the stand-in cmdlets to the model: a Unix socket of this process, a line of JSON each way.

A request names the PC's folder, the cmdlet, the object that it acts on and the parameters that were given, as Windows
names them. The answer holds `result`, a `refusal`, or a `question` that -Force would answer. Where the PC's power fails
there is none: the connection ends, and the PowerShell at its other end ends itself.
"""

from __future__ import annotations

import atexit
import json
import shutil
import socketserver
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.hosts.outage import PowerFailsError
from rehearsal.hosts.pc.cmdlets import CMDLETS
from rehearsal.hosts.pc.refusals import QuestionError, RefusedError
from rehearsal.hosts.state import HostState, Json, NoDriveError


def address() -> str:
    """The socket of this process, which answers for every PC from now on; stand-ins find it in REHEARSAL_MODEL."""
    return str(_begun().server_address)


def close() -> None:
    """Take the socket away; at the end of a process that runs nothing at its exit this has to be called."""
    if _begun.cache_info().currsize:
        _begun().shutdown()
        _begun().server_close()
        shutil.rmtree(Path(address()).parent, ignore_errors=True)
        _begun.cache_clear()


@cache
def _begun() -> _Server:
    server = _Server(f"{tempfile.mkdtemp(prefix='pc-')}/model", _Connection)  # short: a path holds 107 bytes
    threading.Thread(target=server.serve_forever, daemon=True).start()
    atexit.register(close)
    return server


def answer(request: Json) -> Json:
    """Do what a cmdlet asks; PowerFailsError when there is nobody left to answer."""
    folder = Path(request["pc"])
    pc = HostState(folder.parents[1], folder.name)
    try:
        return {"result": CMDLETS[request["cmdlet"]](pc, request["on"], request["given"])}
    except QuestionError as question:
        return {"question": question.question, "refusal": _plain(question)}
    except RefusedError as refusal:
        return {"refusal": _plain(refusal)}
    except NoDriveError as error:
        return {"refusal": _plain(RefusedError(str(error), "DriveNotFound", "ObjectNotFound"))}


def _plain(refusal: RefusedError) -> dict[str, Any]:
    """PowerShell itself puts the class of the cmdlet behind the id."""
    short = refusal.error_id.partition(",")[0]
    return {"message": refusal.message, "id": short, "category": refusal.category, "target": refusal.target}


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class _Connection(socketserver.StreamRequestHandler):
    """One PowerShell, from its first cmdlet to its end."""

    def handle(self) -> None:
        for line in self.rfile:
            try:
                reply = answer(json.loads(line))
            except PowerFailsError:
                return
            self.wfile.write(json.dumps(reply).encode() + b"\n")
