"""What tests do to a whole rehearsal: type `inv` and kubectl as the controller, see what was asked of the PCs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from labkit.description.lab import Lab
from labkit.description.load import load_lab
from rehearsal.hosts.state import HostState, machine_of
from rehearsal.room import cgroup
from rehearsal.room.layout import UPSTREAM

ROOT = Path(__file__).resolve().parents[2]
LAB_FILE = ROOT / "labs" / "rehearsal.yaml"
ON_MACHINE = Path(__file__).with_name("on_machine.py")
HOSTS = ("pc1", "pc2")
ROOM_NETNS = "lab-rehearsal"
Json = dict[str, Any]


@dataclass
class Run:
    """One command that has ended: its exit code and words, and what the journal and the PCs saw of it."""

    words: str
    code: int
    output: str
    seconds: float
    journal: list[Json]
    calls: list[Json]

    @property
    def mutating(self) -> list[str]:
        """The scripts that PCs were asked to run and that change something."""
        return [str(call["script"]) for call in self.calls if call["mutating"]]

    @property
    def steps(self) -> list[Json]:
        """The journal's lines but notes: any part, a stand-in too, may leave one whenever it is asked."""
        return [row for row in self.journal if row["event"] != "note"]

    @property
    def ends(self) -> list[Json]:
        """The journal's end lines: one a stage."""
        return [row for row in self.journal if row["event"] == "end"]

    @property
    def rows(self) -> dict[str, str]:
        """Rows of verification by name: ok, failed, not proven here."""
        return next(row["rows"] for row in reversed(self.ends) if "rows" in row)

    def failed(self) -> set[str]:
        """The names of the rows that failed."""
        return {name for name, result in self.rows.items() if result == "failed"}

    def __str__(self) -> str:
        return f"`{self.words}` ended with {self.code} after {self.seconds:.0f} s:\n{self.output[-6000:]}"


@dataclass
class Started:
    """A command under way; `finish` waits for it."""

    words: str
    process: subprocess.Popen[str]
    room: Rehearsal
    begin: float = field(default_factory=time.monotonic)
    journal_from: int = 0
    calls_from: int = 0

    def finish(self, timeout_s: float) -> Run:
        """Wait for the end; a command that outlasts `timeout_s` is killed and has failed the test."""
        try:
            output, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, _ = self.process.communicate()
            raise AssertionError(f"`{self.words}` did not end in {timeout_s:.0f} s:\n{output[-6000:]}") from None
        seconds = time.monotonic() - self.begin
        journal, calls = self.room.journal()[self.journal_from :], self.room.calls()[self.calls_from :]
        return Run(self.words, self.process.returncode, output, seconds, journal, calls)


def guard() -> subprocess.Popen[bytes]:
    """Start what brings this checkout's room down once this process has ended, however it does; `dismiss` ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "down", "--after-stdin"], cwd=ROOT, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def dismiss(started: subprocess.Popen[bytes]) -> None:
    """End a guard before it does anything: the room is brought down in the usual way."""
    started.kill()
    started.communicate()


class Rehearsal:
    """The room of this checkout and the lab of `file` in it. `folder` takes what a test needs to write."""

    def __init__(self, folder: Path, file: Path = LAB_FILE) -> None:
        self.folder, self.file = folder, file
        self.lab: Lab = load_lab(file)
        self.state = ROOT / ".lab" / self.lab.id
        self.place = ROOT / ".rehearsal"
        self._guard: subprocess.Popen[bytes] | None = None

    # ---- the room ----

    def up(self, *, guarded: bool = False) -> None:
        """Bring up a room with nothing in it; what an earlier rehearsal left is removed first.

        A guarded room is brought down when this process ends without doing so, also when it is killed.
        """
        self.down()
        self._guard = guard() if guarded else None
        shutil.rmtree(self.state, ignore_errors=True)  # of the rehearsal's own lab id: nobody's real lab
        self._room("up", "-f", str(self.file))
        self.trust()

    def trust(self) -> None:
        """Compare the certificates of the room's new PCs, as its user does before anything else."""
        for host in self.lab.hosts:
            if host.scheme == "https":
                shown = self._room("fingerprint", host.name).strip()
                run = self.inv("hyperv.trust", "--host", host.name, "--fingerprint", shown)
                assert run.code == 0, run

    def down(self) -> None:
        if self._guard:
            dismiss(self._guard)
            self._guard = None
        self._room("down")

    def _room(self, action: str, *options: str) -> str:
        command = [sys.executable, "-m", "rehearsal", action, *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"rehearsal {action}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    # ---- the controller ----

    def start(self, *words: str, consent: bool = False, **variables: str) -> Started:
        """Start a command in the controller's place, with no terminal; `consent` to what the lab would destroy."""
        env = {**os.environ, "KUBECACHEDIR": str(self.folder / "kubectl"), "COLUMNS": "160", **variables}
        if consent:
            env["LAB_ASSUME_YES"] = self.lab.name
        begin = (len(self.journal()), len(self.calls()))
        process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "exec", "--", *words], cwd=ROOT, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Started(" ".join(words), process, self, journal_from=begin[0], calls_from=begin[1])

    def start_inv(self, *words: str, file: Path | None = None, consent: bool = False) -> Started:
        return self.start("inv", "-f", str(file or self.file), *words, consent=consent)

    def inv(self, *words: str, file: Path | None = None, consent: bool = False, timeout_s: float = 600) -> Run:
        """Type `inv -f LAB_FILE WORDS` and wait for its end."""
        return self.start_inv(*words, file=file, consent=consent).finish(timeout_s)

    def ask(self, *words: str, timeout_s: float = 60) -> str:
        """The output of a command in the controller's place that must succeed."""
        run = self.start(*words).finish(timeout_s)
        assert run.code == 0, run
        return run.output

    def kubectl(self, *words: str) -> str:
        """The output of a real kubectl on the controller; it must succeed."""
        return self.ask("kubectl", "--kubeconfig", str(self.state / "kubeconfig"), *words)

    def on(self, machine: str, command: str) -> str:
        """The output of a command that root runs on a machine, entered as the lab enters it; it must succeed."""
        return self.ask(sys.executable, str(ON_MACHINE), str(self.file), machine, command)

    def impatient(self, **timeouts: int) -> Path:
        """The same lab in a file whose deadlines are shorter, so that a failure need not be waited for."""
        text = self.file.read_text(encoding="utf-8")
        for name, seconds in timeouts.items():
            old = next(line for line in text.splitlines() if line.strip().startswith(f"{name}:"))
            text = text.replace(old, f"    {name}: {seconds}")
        folder = self.folder / "-".join(f"{name}-{seconds}" for name, seconds in timeouts.items())
        folder.mkdir(exist_ok=True)
        file = folder / self.file.name  # the kickstarts carry the file's name
        file.write_text(text, encoding="utf-8")
        return file

    # ---- what is ----

    def journal(self) -> list[Json]:
        return _lines(self.state / "journal.jsonl")

    def calls(self) -> list[Json]:
        """Every command that the PCs got so far, in the order of their time."""
        found = [call for host in self.lab.hosts for call in _lines(self.place / "hosts" / host.name / "calls.jsonl")]
        return sorted(found, key=lambda call: float(call["time"]))

    def host(self, name: str) -> HostState:
        return HostState(self.place, name)

    def vm(self, machine: str) -> Json:
        """A machine's VM as the stand-in of its PC keeps it."""
        vms = self.host(self.lab.machine(machine).host).read()["vms"].values()
        return next(vm for vm in vms if machine_of(vm) == machine)

    def disk(self, machine: str, kind: str = "system") -> str:
        """The Windows path of a machine's system or data disk, in whatever order they were attached."""
        paths = [str(drive["path"]) for drive in self.vm(machine)["drives"]]
        return next(path for path in paths if PureWindowsPath(path).name.startswith(f"{kind}-"))

    def disks(self) -> Json:
        """Every machine's system disk, by its name."""
        return {machine.name: self.disk(machine.name) for machine in self.lab.machines}

    def alive(self) -> int:
        """How many machines have a running system: one first process of a container each."""
        return sum(_is_first_process(pid) for pid in cgroup.members())

    def cable(self, machine: str, network: int) -> str:
        """The room's end of a machine's cable; 0 MGMT, 1 INTERNAL, 2 EXTERNAL."""
        return f"v{self.vm(machine)['id'].replace('-', '')[:8].lower()}{network}"

    def pull(self, machine: str, network: int, state: str = "down") -> None:
        """Take a machine's cable out (`state` up: put it back)."""
        link = ["ip", "-n", ROOM_NETNS, "link", "set", self.cable(machine, network), state]
        subprocess.run(link, check=True, capture_output=True)

    def cut_off(self, is_cut: bool) -> None:
        """Let the room's Internet, which is the upstream server, answer nobody any more (False: again)."""
        hook = "add chain inet cut in { type filter hook input priority 0; }"
        drop = f"add table inet cut; {hook}; add rule inet cut in ip daddr {UPSTREAM.ip} drop"
        rules = drop if is_cut else "delete table inet cut"
        subprocess.run(["ip", "netns", "exec", ROOM_NETNS, "nft", rules], check=True, capture_output=True)

    def conditions(self) -> dict[str, Json]:
        """Each node's condition Ready, by kubectl."""
        items = json.loads(self.kubectl("get", "nodes", "--output=json"))["items"]
        return {
            item["metadata"]["name"]: next(c for c in item["status"]["conditions"] if c["type"] == "Ready")
            for item in items
        }

    def ready(self) -> dict[str, str]:
        """Each node's word on being Ready: True, False or Unknown."""
        return {name: str(condition["status"]) for name, condition in self.conditions().items()}


def eventually(seen: Callable[[], Any], wanted: Any, timeout_s: float) -> None:
    """Look once a second until what is seen is what is wanted."""
    end = time.monotonic() + timeout_s
    while (now := seen()) != wanted:
        assert time.monotonic() < end, f"after {timeout_s:.0f} s still {now}, not {wanted}"
        time.sleep(1)


def _is_first_process(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:  # ended meanwhile
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["Name"] == "systemd" and fields["NSpid"].split()[-1] == "1"


def _lines(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
