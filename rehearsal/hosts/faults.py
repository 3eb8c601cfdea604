"""Trouble on purpose: what `faults.json` in a PC's folder asks its endpoint to do wrong.

The file is a list of objects. `kind` is one of:
  refuse  reset every new connection
  401     reject the credentials
  web     answer each request with `status`: no WinRM, but another server, is there
  no ntlm take no NTLM log-on, as by a policy: answer each with `token`, or without one
  hang    keep the client waiting for `seconds` before the request is acted on
  drop    close the connection after the request was acted on, without an answer
  slow    wait `seconds`, then answer as usual
  reboot  the PC goes down for `seconds`: connections are reset, what runs in its shells ends
  noise   progress and a translated warning on stderr, wrapped at 80 columns, beside the right answer
  translated  powershell.exe ends with a translated error on stderr, wrapped at 80 columns, and no answer
`on` (optional) is the WS-Man action it applies to (Create, Command, Send, Receive, Signal, Delete), else any;
`times` (optional) how often it happens, else always. The Hyper-V service being down is no fault of the endpoint but a
state of the PC: `state["services"]["vmms"] = "Stopped"`.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

KINDS = ("refuse", "401", "web", "no ntlm", "hang", "drop", "slow", "reboot", "noise", "translated")
WARNING = (
    "경고: 가상 컴퓨터가 이미 지정된 상태에 있습니다. "
    "이 작업은 가상 컴퓨터의 현재 상태에서 수행할 수 없으므로 무시됩니다."
)
ERROR = (
    "powershell.exe : 이 시스템에서 스크립트를 실행할 수 없으므로 파일을 로드할 수 없습니다. 자세한 내용은 "
    "about_Execution_Policies를 참조하십시오.\n위치 줄:1 문자:1"
)


class Faults:
    """The faults of one PC, read again whenever the file changes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "faults.json"
        self._lock = threading.Lock()
        self._version = 0
        self._faults: list[dict[str, Any]] = []

    def take(self, kind: str, action: str = "") -> dict[str, Any] | None:
        """Return the first fault of that kind that applies to `action` and use it up once; None when all is well."""
        with self._lock:
            self._load()
            for fault in self._faults:
                applies = fault["kind"] == kind and fault.get("on", action) == action
                if applies and fault.get("times") != 0:
                    if "times" in fault:
                        fault["times"] -= 1
                    return fault
        return None

    def _load(self) -> None:
        try:
            version = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            self._version, self._faults = 0, []
            return
        if version != self._version:
            self._faults = json.loads(self.path.read_text(encoding="utf-8"))
            self._version = version
            unknown = {fault["kind"] for fault in self._faults} - set(KINDS)
            if unknown:
                raise ValueError(f"{self.path}: no such fault: {', '.join(sorted(unknown))}")
