"""Containers as processes of the machine: started detached, their state in files, so that a kubelet that was
restarted finds them again. A container is `unshare` (its own mounts and processes, host name) around launch.py,
inside its pod's network namespace; a shell waits for its end and writes the exit status down.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sandbox
from .paths import STATE, real, write

LAUNCH = Path(__file__).with_name("launch.py")
SHIM = """trap : HUP INT TERM
exit=$1
shift
"$@"
code=$?
echo "$code $(date +%s)" >"$exit.new" && mv "$exit.new" "$exit"
"""
LOST = 137  # neither running nor an exit status: the machine or the shell was killed


@dataclass(frozen=True)
class State:
    """One container: `attempt` counts from 0; times are seconds since the epoch; `code` None while it runs."""

    attempt: int
    started: float
    pid: int | None = None
    code: int | None = None
    finished: float | None = None
    log: str = ""

    @property
    def running(self) -> bool:
        return self.code is None


def pod_folder(uid: str) -> Path:
    return real(STATE) / uid


def pods() -> Iterator[dict[str, Any]]:
    """What every pod on this machine was started as."""
    for file in sorted(real(STATE).glob("*/pod.json")):
        try:
            yield json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # removed just now by its worker


def remember(uid: str, pod: dict[str, Any]) -> None:
    """Keep the pod's object beside its state, for a kubelet started later and for crictl."""
    write(pod_folder(uid) / "pod.json", json.dumps(pod))


def start(uid: str, name: str, spec: dict[str, Any], log: Path, namespace: str | None) -> None:
    """Start container `name` of pod `uid`. `namespace` is the network namespace's name, None for the machine's own."""
    folder = pod_folder(uid) / name
    previous = state(uid, name)
    attempt = previous.attempt + 1 if previous else 0
    folder.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    for file in ("pid", "exit"):
        (folder / file).unlink(missing_ok=True)
    write(folder / "state.json", json.dumps({"attempt": attempt, "started": time.time(), "log": str(log)}))
    write(
        folder / "spec.json", json.dumps({**spec, "scratch": str(folder / "scratch"), "pidFile": str(folder / "pid")})
    )
    enter = ["nsenter", f"--net={sandbox.path(namespace)}"] if namespace else []
    # The first process of a container ends with the `unshare` around it, whatever ends that one.
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", *(["--uts"] if namespace else [])]
    inner = [*enter, *alone, "/usr/bin/python3", "-I", "-S", str(LAUNCH), str(folder / "spec.json")]
    with log.open("ab") as output:
        subprocess.run(["setsid", "--fork", "sh", "-c", SHIM, "shim", str(folder / "exit"), *inner],
                       stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)  # fmt: skip


def state(uid: str, name: str) -> State | None:
    """How the container is; None when it was never started."""
    folder = pod_folder(uid) / name
    try:
        known = json.loads((folder / "state.json").read_text())
    except (OSError, ValueError):
        return None
    base = State(known["attempt"], known["started"], log=known["log"])
    pid = _pid(folder)
    if (folder / "exit").exists():
        code, _, at = (folder / "exit").read_text().partition(" ")
        return State(base.attempt, base.started, pid, int(code), float(at), base.log)
    if pid is not None or time.time() - base.started < 5:
        return State(base.attempt, base.started, pid, log=base.log)
    return State(base.attempt, base.started, None, LOST, time.time(), base.log)


def _pid(folder: Path) -> int | None:
    """The first process of the container while it is alive: the number alone could be another's by now."""
    try:
        number, started = (folder / "pid").read_text().split()
        stat = Path(f"/proc/{number}/stat").read_text()
    except (OSError, ValueError):
        return None
    fields = stat.rpartition(")")[2].split()
    return int(number) if fields[19] == started and fields[0] != "Z" else None


def stop(uid: str, names: Sequence[str], grace_s: float) -> None:
    """SIGTERM to all of them, SIGKILL to those still there after `grace_s`; returns when they are gone."""
    _signal(uid, names, signal.SIGTERM)
    deadline = time.monotonic() + max(grace_s, 0)
    while _alive(uid, names) and time.monotonic() < deadline:
        time.sleep(0.1)
    deadline = time.monotonic() + 10
    while _alive(uid, names) and time.monotonic() < deadline:
        _signal(uid, names, signal.SIGKILL)
        time.sleep(0.05)


def _alive(uid: str, names: Sequence[str]) -> bool:
    return any(_pid(pod_folder(uid) / name) is not None for name in names)


def _signal(uid: str, names: Sequence[str], number: signal.Signals) -> None:
    for name in names:
        pid = _pid(pod_folder(uid) / name)
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # it ended between the two lines


def execute(uid: str, name: str, command: Sequence[str], timeout_s: float) -> tuple[int, str]:
    """Run a command inside the container; exit status and output. 124 after `timeout_s`."""
    pid = _pid(pod_folder(uid) / name)
    if pid is None:
        return 1, "container not running"
    environment = json.loads((pod_folder(uid) / name / "spec.json").read_text())["env"]
    enter = ["nsenter", f"--target={pid}", "--mount", "--pid", "--net", "--uts", "--ipc", "--root", "--wd=/"]
    try:
        done = subprocess.run(
            [*enter, *command], env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, f"command timed out after {timeout_s:g}s"
    except OSError as error:
        return 126, str(error)
    return done.returncode, done.stdout + done.stderr


def containers(uid: str) -> list[str]:
    """The names of the containers that were started for this pod."""
    return sorted(file.parent.name for file in pod_folder(uid).glob("*/state.json"))


def remove(uid: str) -> None:
    """Forget the pod: its network namespace and its state. Its containers must have been stopped."""
    sandbox.remove(uid)
    shutil.rmtree(pod_folder(uid), ignore_errors=True)


def remove_everything() -> None:
    """Kill and forget every pod of this machine, as `kubeadm reset` does through the runtime."""
    for folder in sorted(real(STATE).glob("*")):
        if folder.is_dir():
            stop(folder.name, containers(folder.name), 0)
            remove(folder.name)
