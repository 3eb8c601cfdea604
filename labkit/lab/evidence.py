"""What goes into a bundle: the table PARTS, a line for each, and how each is read.

A reader yields files, name and content; an Absent in a content's place says why that file cannot be had. What a reader
raises keeps out only what it had not yielded yet. Nothing here changes anything.
"""

from __future__ import annotations

import copy
import json
import locale
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from labkit import threads
from labkit.controller import log
from labkit.errors import LabError, MissingError
from labkit.hyperv import check, screen
from labkit.k8s.ask import ask
from labkit.project import ROOT
from labkit.pxe import logs

if TYPE_CHECKING:
    from labkit.description.lab import Machine
    from labkit.session import Session

LOGS, RUNS, LINES = 30, 3, 200  # the newest logs; the last runs of Ansible; the last lines of each log on a machine
PXE_LINES = "2000"
TEXT_BYTES = 2_000_000  # of one file: its end tells what happened last
ANSIBLE_LOGS = "/var/log/lab/ansible"
SETTINGS = ("LAB_", "INVOKE_", "HTTP_PROXY", "HTTPS_PROXY")
STATE_FILES = ("version", "journal.jsonl", "verification.json", "lock.json", "known_hosts", "ssh_config")
"""Those of `.lab/<id>/` that open nothing; of all others the name and size is told."""


@dataclass(frozen=True)
class Absent:
    """In place of what cannot be had: why not, in one sentence."""

    why: str


Content = str | bytes | Absent
Files = Iterator[tuple[str, Content]]


@dataclass(frozen=True)
class Part:
    """A file of the bundle, or a folder ("/" at its end), what is in it, and who reads it.

    `needs` is asked once for all parts that have it in common; what it raises is why they are absent.
    """

    name: str
    what: str
    read: Callable[[Session], Files]
    needs: Callable[[Session], None] | None = None


def versions(session: Session) -> Files:
    """This tool, Python, its libraries, the system, and how its terminal writes; of variables only their names."""
    settings = sorted(name for name in os.environ if name.upper().startswith(SETTINGS))
    facts = {
        "commit": _commit(),
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()} {platform.version()} {platform.machine()}",
        "encodings": f"output {sys.stdout.encoding}, files {locale.getpreferredencoding(False)}",
        "variables set": ", ".join(settings) or "none",
    }
    packages = sorted({f"{one.name} {one.version}" for one in metadata.distributions()}, key=str.lower)
    yield "versions.txt", "\n".join([*(f"{key}: {value}" for key, value in facts.items()), "", *packages, ""])


def _commit() -> str:
    try:
        command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown: there is no git here"
    return done.stdout.strip() or "unknown: no checkout of git"


def description(session: Session) -> Files:
    """The lab's file, as it is."""
    yield "description.yaml", session.lab.source.read_text(encoding="utf-8", errors="replace")


def state(session: Session) -> Files:
    """What `.lab/<id>/` says of the lab, and the names of all that is in it."""
    folder = session.state.path
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = (f"{path.stat().st_size:>9} {path.relative_to(folder).as_posix()}\n" for path in found)
    yield "state/files.txt", "".join(listed)
    for name in STATE_FILES:
        if (folder / name).exists():
            yield f"state/{name}", (folder / name).read_text(encoding="utf-8", errors="replace")


def run_logs(session: Session) -> Files:
    """The logs of the last runs, but of the one that gathers this."""
    for file in [file for file in log.newest(session.state) if file != session.log.file][:LOGS]:
        yield f"logs/{file.name}", file.read_text(encoding="utf-8", errors="replace")


def hosts(session: Session) -> Files:
    """What each PC answers to the reading scripts, word for word, and what hyperv.check finds there."""
    facts, errors = session.hosts.survey(probe=True)
    for name in facts:
        yield f"hosts/{name}.json", json.dumps(_ours(session.hosts.answered[name]), indent=1, ensure_ascii=False)
    silent = (host.name for host in session.lab.hosts if host.name not in facts)
    for name, error in zip(silent, errors, strict=False):
        yield f"hosts/{name}.json", Absent(error.problem)
    findings = (f"{found}\n  fix: {found.fix}\n" for found in check.problems(session.lab, facts))
    yield "hosts/findings.txt", "".join(findings) or f"nothing is wrong with: {', '.join(facts) or 'nobody asked'}\n"


def _ours(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what people noted at VMs that are not the lab's."""
    told = copy.deepcopy(answer)
    for vm in told.get("vms", []):
        if vm.get("detail") is None:
            vm["notes"] = ""
    return told


def screens(session: Session) -> Files:
    """The consoles of the VMs that run, on the PCs that answered."""
    for host in session.lab.hosts:
        here = session.hosts.known.get(host.name)
        names = [machine.name for machine in session.lab.machines if machine.host == host.name]
        try:
            found = screen.pictures(session, {host.name: here}, names) if here else {}
        except LabError as error:
            yield f"screens/ of {host.name}", Absent(error.problem)
        else:
            yield from ((f"screens/{name}.png", picture) for name, picture in found.items())
        if here is None:
            yield f"screens/ of {host.name}", Absent("that PC could not be read")


def door(session: Session) -> None:
    """Raise the LabError of a bootstrap server that cannot be entered: everything behind it is away, too."""
    session.machines.bootstrap().run("true", timeout_s=20)


def network_boot(session: Session) -> Files:
    """What `pxe.logs` shows."""
    yield "pxe.log", "\n".join(logs.gather(session, "", PXE_LINES)) + "\n"


def ansible(session: Session) -> Files:
    """Events and words of Ansible's last runs."""
    remote = session.machines.bootstrap()
    listed = remote.sudo(f"ls -t {ANSIBLE_LOGS} 2>/dev/null", check=False).stdout.split()
    names = [name.removesuffix(".jsonl") for name in listed if name.endswith(".jsonl")][:RUNS]
    if not names:
        raise MissingError("Ansible did not run yet")
    for name in names:
        for kind in ("jsonl", "log"):
            if f"{name}.{kind}" in listed:
                text = remote.get(f"{ANSIBLE_LOGS}/{name}.{kind}").decode("utf-8", "replace")
                yield f"ansible/{name}.{kind}", text


def machines(session: Session) -> Files:
    """The last lines of each machine's kubelet and containerd, its containers, and what SELinux refused."""

    def one(machine: Machine) -> str | Absent:
        try:
            return ask(session, [machine], "evidence.sh", lambda _: [str(LINES)])[machine.name] + "\n"
        except LabError as error:
            return Absent(error.problem)

    asked = session.lab.machines
    for machine, said in zip(asked, threads.each(one, asked), strict=True):
        yield f"machines/{machine.name}.txt", said


PARTS = (
    Part("versions.txt", "this tool, Python, its libraries, the system", versions),
    Part("description.yaml", "the lab's file", description),
    Part("state/", "the journal, the last verification, what lies in .lab", state),
    Part("logs/", f"what the last {LOGS} runs said", run_logs),
    Part("hosts/", "what each PC says of itself, and what is wrong there", hosts),
    Part("screens/", "the consoles of the VMs that run", screens),
    Part("pxe.log", "what the network boot logged", network_boot, door),
    Part("ansible/", f"events and logs of the last {RUNS} runs of Ansible", ansible, door),
    Part("machines/", "each machine's kubelet, containerd, containers, AVCs: the last lines", machines, door),
)
