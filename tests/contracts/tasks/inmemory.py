"""A whole lab behind the transports: what `inv` would reach by WinRM, SSH and HTTP answers in this process.

Everything above the transports is the real thing.
"""

from __future__ import annotations

import io
import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from labkit.controller.secrets import Secret
from labkit.description.lab import Host
from labkit.transport.powershell import script_text
from labkit.transport.winrm import Output
from rehearsal.hosts import answers
from tests.contracts.tasks.lan import Lan
from tests.contracts.tasks.shell import SshLink
from tests.unit.verify.fakes import certificate


class PcLink:
    """In the place of WinRm: one PC's answers. Guests obey a shutdown at once."""

    def __init__(self, lan: Lan, host: Host) -> None:
        self._lan, self._answer = lan, answers.answerer(lan.pcs[host.name])

    def run(self, command: str, stdin: bytes, deadline_s: float) -> Output:
        first, _, texts = stdin.partition(b"\n")
        names = [name for text in texts.split(b"\f") for name in answers.SCRIPTS if script_text(name).encode() == text]
        if names == ["Stop-LabMachine"]:
            first = json.dumps([given | {"CutPower": True} for given in json.loads(first)]).encode()
        said, code = self._answer(names, first + b"\n")
        self._lan.live()
        return Output(said, b"", code)


def connect(lan: Lan) -> dict[str, Any]:
    """What stands in the place of each transport, by the name that it is looked up under."""

    class Http:
        """A node's or a Service's port 80: nginx says on which node it runs."""

        status = 200

        def __init__(self, *_: Any, **__: Any) -> None:
            """Any address answers."""

        def request(self, *_: str) -> None:
            """Answered at once."""

        def getresponse(self) -> Http:
            return self

        def read(self, _: int) -> bytes:
            return b"w2"

        def close(self) -> None:
            """Nothing is open."""

    def winrm(host: Host, password: Secret, certificate: Path | None = None) -> PcLink:
        return PcLink(lan, host)

    def ssh(name: str, address: str, *_: Any) -> SshLink:
        return SshLink(lan, name, address)

    def shown(*_: Any, **__: Any) -> str:
        """The API server's certificate, which names what the cluster was made with."""
        names = [IPv4Address(name) for name in lan.facts.names if name[0].isdigit()]
        return certificate(365, names).public_bytes(Encoding.PEM).decode()

    return {
        "labkit.transport.winrm.WinRm": winrm,
        "labkit.transport.ssh.Link": ssh,
        "urllib.request.urlopen": lambda url, timeout: io.BytesIO(lan.checksum().encode()),
        "ssl.get_server_certificate": shown,
        "labkit.verify.nginx.HTTPConnection": Http,
        "labkit.k8s.heartbeats.PAUSE_S": 0.01,
    }
