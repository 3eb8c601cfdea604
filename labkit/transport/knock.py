"""What is at a host's port, asked before any password is sent: WinRM or not, and whether it lets in as described.

One request, for NTLM with the first message of a log-on, which names nobody. Windows' HTTP service answers it by itself
with a challenge (MS-NLMP 2.2.1.2), at once even on a PC that is busy: whatever else comes back is no WinRM, or one that
takes no NTLM. Without this, pywinrm and its helpers end in errors that name no host, or that look like a lost line.
"""

from __future__ import annotations

import base64
import ssl
from contextlib import suppress
from http.client import BadStatusLine, RemoteDisconnected
from typing import TYPE_CHECKING

import requests
import spnego

from labkit.errors import UnreachableError
from labkit.transport.ports import PREPARE, RECONCILE, SERVICE

if TYPE_CHECKING:
    from labkit.description.lab import Host

ANSWER_TIMEOUT_S = 30.0
TLS_TIMEOUT_S = 5.0
CHALLENGE = b"NTLMSSP\0\x02\0\0\0"
NO_NTLM = (
    "NTLM is switched off there, as by a policy (secpol.msc: Network security: Restrict NTLM): allow it for that PC, "
    "or let it take Basic over https and write `auth: basic` for it (docs/configuration.md)"
)
NO_BASIC = (
    r"as administrator there: Set-Item WSMan:\localhost\Service\Auth\Basic $true (a policy may forbid it); "
    "or remove `auth: basic`"
)


def knock(host: Host, trusted: str | None) -> None:
    """Ask once and judge the answer; `trusted` is the file of the certificate that counts, over HTTPS.

    Raises UnreachableError where repeating cannot help; an error of requests for trouble of the line or of TLS.
    """
    where = f"host {host.name} ({host.address})"
    try:
        answer = _ask(host, trusted)
    except requests.Timeout as error:
        raise UnreachableError(
            f"{where} takes connections on port {host.port} and says nothing for {ANSWER_TIMEOUT_S:.0f} s",
            "WinRM hangs there: Restart-Service WinRM as administrator, or restart that PC",
        ) from error
    except requests.ConnectionError as error:
        if host.scheme == "http" and _speaks_tls(host):
            problem = f"{where} speaks TLS on port {host.port}, and is described with http"
            raise UnreachableError(problem, RECONCILE["https"]) from error
        if (line := _in_place_of_http(error)) is not None:
            raise _no_winrm(host, f"it says {line}") from error
        raise
    if answer.status_code != requests.codes.unauthorized:
        raise _no_winrm(host, f"it answers {answer.status_code} {answer.headers.get('Server', '')}".rstrip())
    offered = [one.strip() for one in answer.headers.get("WWW-Authenticate", "").split(",")]
    words = ", ".join(one.split()[0] for one in offered if one) or "nothing"
    if host.auth == "basic" and not any(one.startswith("Basic") for one in offered):
        raise UnreachableError(f"{where} takes no Basic log-on; it offers {words}", NO_BASIC)
    if host.auth == "ntlm" and not any(map(_is_challenge, offered)):
        raise UnreachableError(f"{where} takes no NTLM log-on; it offers {words}", NO_NTLM)


def _ask(host: Host, trusted: str | None) -> requests.Response:
    headers = {} if host.auth == "basic" else {"Authorization": _first_message()}
    with requests.Session() as session:
        session.trust_env = False  # no proxy, no .netrc
        session.verify = trusted or True
        return session.post(host.url, headers=headers, timeout=ANSWER_TIMEOUT_S, allow_redirects=False, stream=True)


def _first_message() -> str:
    # Not the account: what it is called and how it proves itself is nobody's business yet.
    client = spnego.client("a", "b", protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    return f"Negotiate {base64.b64encode(client.step() or b'').decode()}"


def _is_challenge(offer: str) -> bool:
    scheme, _, token = offer.partition(" ")
    with suppress(ValueError):  # no base64: no challenge
        return scheme in ("Negotiate", "NTLM") and base64.b64decode(token).startswith(CHALLENGE)
    return False


def _speaks_tls(host: Host) -> bool:
    with suppress(OSError, ValueError):
        ssl.get_server_certificate((host.address, host.port), timeout=TLS_TIMEOUT_S)
        return True
    return False


def _in_place_of_http(error: BaseException | None) -> str | None:
    """The line that came instead of an answer of HTTP; None where nothing came."""
    while error is not None:
        if isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected):
            return str(error).strip()[:60]
        error = error.__cause__ or error.__context__
    return None


def _no_winrm(host: Host, said: str) -> UnreachableError:
    problem = f"host {host.name} ({host.address}): something else than WinRM is on port {host.port}: {said}"
    return UnreachableError(problem, SERVICE + PREPARE)
