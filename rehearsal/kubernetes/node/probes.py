"""Liveness, readiness and startup probes: httpGet and exec."""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from . import runtime

Object = dict[str, Any]


@dataclass
class Prober:
    """One probe of one container. `value` is what the kubelet acts on; it changes after the threshold was met."""

    probe: Object
    value: bool
    message: str = ""
    started: float = field(default_factory=time.monotonic)
    _next: float = 0.0
    _count: int = 0

    def poll(self, uid: str, name: str, address: str, container: Object) -> bool:
        """Probe when it is time to; True when `value` changed."""
        now = time.monotonic()
        if now < self._next or now - self.started < self.probe.get("initialDelaySeconds", 0):
            return False
        self._next = now + max(self.probe.get("periodSeconds", 10), 0.5)
        self.message = check(self.probe, uid, name, address, container)
        good = not self.message
        self._count = self._count + 1 if good != self.value else 0
        key, default = ("successThreshold", 1) if good else ("failureThreshold", 3)
        if good != self.value and self._count >= self.probe.get(key, default):
            self.value, self._count = good, 0
            return True
        return False


def check(probe: Object, uid: str, name: str, address: str, container: Object) -> str:
    """One attempt; empty when it succeeded, else why not, in the kubelet's words."""
    timeout = probe.get("timeoutSeconds", 1)
    if "exec" in probe:
        code, output = runtime.execute(uid, name, probe["exec"]["command"], timeout)
        return "" if code == 0 else output.strip() or f"exit status {code}"
    get = probe["httpGet"]
    return _http(get, get.get("host") or address, port(get["port"], container), timeout)


def port(value: int | str, container: Object) -> int:
    """A port by number or by the name that the container gives it."""
    if isinstance(value, int) or value.isdigit():
        return int(value)
    return next((p["containerPort"] for p in container.get("ports") or [] if p.get("name") == value), 0)


@cache
def _trusting() -> ssl.SSLContext:
    """Made once: it reads all the certificates of the system, and a control plane's probes come every few seconds."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _http(get: Object, host: str, number: int, timeout: float) -> str:
    scheme = get.get("scheme", "HTTP").lower()
    url = f"{scheme}://{host}:{number}{get.get('path', '/')}"
    connection = http.client.HTTPConnection(host, number, timeout=timeout)
    if scheme == "https":
        # The kubelet never verifies whom it probes.
        connection = http.client.HTTPSConnection(host, number, timeout=timeout, context=_trusting())
    try:
        connection.request(
            "GET", get.get("path", "/"), headers={"User-Agent": "kube-probe/stand-in", "Connection": "close"}
        )
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f'Get "{url}": {str(getattr(error, "strerror", None) or error).lower()}'
    finally:
        connection.close()
    return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"
