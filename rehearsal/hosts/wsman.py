"""WS-Management envelopes of the Windows remote shell: what a client asks, and what a server answers (MS-WSMV)."""

from __future__ import annotations

import base64
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
RESOURCE = f"{SHELL}/cmd"
NAMES = {"s": SOAP, "a": ADDRESSING, "w": WSMAN, "rsp": SHELL}

STREAMS = ("stdout", "stderr")

# Codes of wsmerror.h, as they stand in a fault's detail.
OPERATION_TIMEOUT = 2150858793
UNEXPECTED_SELECTORS = 2150858843
INVALID_ACTION = 2150858753
SCHEMA_VALIDATION = 2150858817
INVALID_XML = 2150858819

ACTIONS = {
    f"{TRANSFER}/Create": "Create",
    f"{SHELL}/Command": "Command",
    f"{SHELL}/Send": "Send",
    f"{SHELL}/Receive": "Receive",
    f"{SHELL}/Signal": "Signal",
    f"{TRANSFER}/Delete": "Delete",
}


class FaultError(Exception):
    """What the service refuses, with its WS-Man code and the subcode of the SOAP fault."""

    def __init__(self, code: int, reason: str, subcode: str = "w:InternalError") -> None:
        self.code = code
        self.reason = reason
        self.subcode = subcode
        super().__init__(reason)


@dataclass(frozen=True)
class Request:
    """One envelope from a client; `action` is the last word of its action URI, such as `Receive`."""

    action: str
    message_id: str
    shell_id: str
    timeout_s: float
    options: dict[str, str]
    body: ET.Element

    def text(self, path: str) -> str:
        """Return the text at `path` below the body ("" when there is none); prefixes as in NAMES."""
        return self.body.findtext(path, "", NAMES)

    def attribute(self, path: str, name: str) -> str:
        """Return an attribute of the element at `path` below the body, "" when there is none."""
        element = self.body.find(path, NAMES)
        return "" if element is None else element.get(name, "")


def parse(message: bytes) -> Request:
    """Read an envelope; Fault for what is no envelope or an action that the shell does not have."""
    try:
        root = ET.fromstring(message)  # noqa: S314 - from the lab's own client, authenticated
    except ET.ParseError as error:
        raise FaultError(INVALID_XML, f"The request is not valid XML: {error}") from error
    header, body = root.find("s:Header", NAMES), root.find("s:Body", NAMES)
    if header is None or body is None:
        raise FaultError(SCHEMA_VALIDATION, "The request has no SOAP header or body.")
    uri = header.findtext("a:Action", "", NAMES)
    if uri not in ACTIONS:
        raise FaultError(INVALID_ACTION, f"The action {uri} is not supported.", "a:ActionNotSupported")
    return Request(
        action=ACTIONS[uri],
        message_id=header.findtext("a:MessageID", "", NAMES),
        shell_id=header.findtext("w:SelectorSet/w:Selector[@Name='ShellId']", "", NAMES),
        timeout_s=duration(header.findtext("w:OperationTimeout", "PT60S", NAMES)),
        options={
            str(option.get("Name")): option.text or "" for option in header.iterfind("w:OptionSet/w:Option", NAMES)
        },
        body=body,
    )


def duration(text: str) -> float:
    """Return the seconds in an xs:duration of minutes and seconds, such as PT20S or PT1M0.5S."""
    found = re.fullmatch(r"PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", text)
    if not found:
        raise FaultError(SCHEMA_VALIDATION, f"{text} is not a duration.")
    return int(found[1] or 0) * 60 + float(found[2] or 0)


def envelope(action: str, relates_to: str, body: str) -> bytes:
    """Wrap a response's body; `action` is the full URI, `relates_to` the request's message id."""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" '
        f'xmlns:x="{TRANSFER}" xmlns:rsp="{SHELL}"><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ADDRESSING}/role/anonymous</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo>"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def created(request: Request, shell_id: str) -> bytes:
    """Answer a Create with the new shell's id."""
    return envelope(
        f"{TRANSFER}/CreateResponse",
        request.message_id,
        f"<x:ResourceCreated><a:Address>http://localhost:5985/wsman</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{RESOURCE}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        f"</x:ResourceCreated><rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId></rsp:Shell>",
    )


def started(request: Request, command_id: str) -> bytes:
    """Answer a Command with the new command's id."""
    body = f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
    return envelope(f"{SHELL}/CommandResponse", request.message_id, body)


def received(request: Request, command_id: str, streams: Iterable[tuple[str, bytes]], exit_code: int | None) -> bytes:
    """Answer a Receive with what the command has written; `exit_code` None while it runs."""
    command = quoteattr(command_id)
    body = "".join(
        f'<rsp:Stream Name="{name}" CommandId={command}>{base64.b64encode(data).decode()}</rsp:Stream>'
        for name, data in streams
    )
    if exit_code is None:
        body += f'<rsp:CommandState CommandId={command} State="{SHELL}/CommandState/Running"/>'
    else:
        ends = "".join(f'<rsp:Stream Name="{name}" CommandId={command} End="true"/>' for name in STREAMS)
        body += f'{ends}<rsp:CommandState CommandId={command} State="{SHELL}/CommandState/Done">'
        body += f"<rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>"
    answer = f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>"
    return envelope(f"{SHELL}/ReceiveResponse", request.message_id, answer)


def done(request: Request) -> bytes:
    """Answer a Send, Signal or Delete, which say nothing."""
    base = TRANSFER if request.action == "Delete" else SHELL
    body = "" if request.action == "Delete" else f"<rsp:{request.action}Response/>"
    return envelope(f"{base}/{request.action}Response", request.message_id, body)


def refused(fault: FaultError, relates_to: str) -> bytes:
    """Answer with a SOAP fault."""
    reason = escape(fault.reason)
    return envelope(
        f"{WSMAN}/fault",
        relates_to,
        f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason><s:Detail>'
        f'<f:WSManFault xmlns:f="{FAULT}" Code="{fault.code}" Machine="localhost">'
        f"<f:Message>{reason}</f:Message></f:WSManFault></s:Detail></s:Fault>",
    )
