"""The installation of one machine, step by step, as Anaconda does it: %pre, disks, packages, settings, %post."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from rehearsal.room import disk, network
from rehearsal.room.disk import Disk
from rehearsal.room.installer import kickstart, media, stage2, system
from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.kickstart import End, Plan, Script
from rehearsal.room.machine import Container
from rehearsal.room.power import Power

SYSTEM = "sda"  # the disk that the stand-in can install to: the VM's first
TARGET = "/mnt/sysimage"


@dataclass(frozen=True)
class Target:
    """The machine to be: its container with the installer's root, adapters (kernel name to MAC), memory and disk."""

    container: Container
    image: Path
    adapters: dict[str, str]
    memory_bytes: int
    disk: Disk
    folder: Path
    log: Path
    dvd: Path | None  # the tree on the DVD in its drive


class Installation:
    """Makes one machine from the bytes of its kickstart; `command_line` has the words of its kernel's."""

    def __init__(
        self, target: Target, text: str, command_line: Sequence[str], power: Power, say: Callable[[str], None]
    ) -> None:
        self._target, self._text, self._command_line = target, text, command_line
        self._power, self._say = power, say
        self._live = replace(target.container, root=target.folder / "installer" / "root")
        self._system = replace(target.container, root=target.folder / "root")
        self._scripts: tuple[Script, ...] = ()

    def run(self) -> End:
        """Install; return how the kickstart wants it to end. InstallError when it failed, after its %onerror ran."""
        self._start_environment()
        try:
            return self._install()
        except InstallError as error:
            (self._live.root / "tmp/anaconda.log").write_text(f"ERR anaconda: {error}\n", encoding="utf-8")
            for script in self._of("onerror"):
                self._script(replace(script, must_succeed=False), self._live)
            raise
        finally:
            disk.unmount(self._system.root)
            disk.unmount(self._live.root)

    def _install(self) -> End:
        tree, treeinfo = self._open_tree()
        release = media.release(treeinfo)
        stage2.require_room(self._command_line, self._target.memory_bytes, tree, release)
        self._scripts = kickstart.scripts(self._text, release)
        for script in self._of("pre"):
            self._script(script, self._live)
        complete = kickstart.expand(self._text, lambda path: self._inside(path).read_text(encoding="utf-8"))
        plan = kickstart.plan(complete, release)
        self._use_disk(plan)
        self._configure_live(plan)
        if plan.tree and plan.tree != tree:
            tree, treeinfo = plan.tree, self._fetch(f"{plan.tree.rstrip('/')}/.treeinfo")
        self._install_packages(plan, media.repositories(plan, tree, treeinfo))
        self._settle(plan)
        for script in self._of("post"):
            self._script(script, self._system if script.in_system else self._live)
        digest = hashlib.sha256(self._text.encode()).hexdigest()
        self._target.disk.finish(
            {
                "hostname": plan.hostname,
                "kickstart_sha256": digest,
                "release": release,
                "image": str(self._target.image),
            }
        )
        return plan.end

    def _of(self, kind: str) -> Iterable[Script]:
        return (script for script in self._scripts if script.kind == kind)

    def _start_environment(self) -> None:
        """A fresh root for the installer itself, gone when it ends."""
        layers = self._target.folder / "installer"
        shutil.rmtree(layers, ignore_errors=True)
        for name in ("upper", "work"):
            (layers / name).mkdir(parents=True)
        disk.mount_layers(self._target.image, layers, self._live.root)

    def _open_tree(self) -> tuple[str, str]:
        """The address and the .treeinfo of what to install from: inst.repo, the kickstart's url, or the DVD."""
        written = kickstart.URL.search(self._text)
        named = [word.partition("=")[2] for word in self._command_line if word.startswith("inst.repo=")]
        tree = named[0] if named else written[1] if written else None
        if tree:
            return tree, self._fetch(f"{tree.rstrip('/')}/.treeinfo")
        if self._target.dvd is None:
            raise InstallError("no inst.repo, no url and no DVD: there is nothing to install from")
        return f"file://{media.DVD}", (self._target.dvd / ".treeinfo").read_text(encoding="utf-8")

    def _fetch(self, address: str) -> str:
        name = f"fetched-{quote(address, safe='')[-40:]}"
        self._call(self._live, ["curl", "-sSf", "--max-time", "60", "-o", f"/root/{name}", address], address)
        return (self._live.root / "root" / name).read_text(encoding="utf-8")

    def _use_disk(self, plan: Plan) -> None:
        if any(name != SYSTEM for name in plan.disks):
            raise InstallError(f"disk {', '.join(plan.disks)}: the stand-in installs to {SYSTEM} alone")
        self._target.disk.blank()
        self._target.disk.mount(self._target.image, self._system.root)

    def _configure_live(self, plan: Plan) -> None:
        """Bring up the links that the kickstart activates, in the installer as in the system to be."""
        for link in plan.links:
            name, _ = system.adapter_of(link.device, self._target.adapters)
            if link.activate and link.address:
                gateway = link.gateway if link.is_default_route else None
                network.set_address(self._live.namespace, name, link.address, gateway)

    def _install_packages(self, plan: Plan, repositories: dict[str, str]) -> None:
        self._say(f"installing {len(plan.packages)} packages and groups")
        with tempfile.TemporaryDirectory(prefix="lab-repos-", dir=self._target.folder) as folder:
            file = Path(folder) / "installer.repo"
            file.write_text(media.dnf_configuration(repositories), encoding="utf-8")
            options = [f"--setopt=install_weak_deps={plan.weak_dependencies}", "--setopt=reposdir=/run/install/repos"]
            options += [f"--exclude={name}" for name in plan.excluded]
            words = ["dnf", "--assumeyes", "--quiet", *options, "install", *plan.packages]
            self._call(self._system, words, "the packages cannot be installed", [(Path(folder), "/run/install/repos")])

    def _settle(self, plan: Plan) -> None:
        system.write_files(plan, self._system.root, self._target.adapters)
        script = Script("settings", system.commands(plan), "/bin/sh", None, True, True)
        self._script(script, self._system)

    def _script(self, script: Script, container: Container) -> None:
        """Run a section's text by its interpreter, its output in its --log file; InstallError with --erroronfail."""
        file = self._target.folder / f"ks-script-{script.kind}"
        file.write_text(script.text, encoding="utf-8")
        output = self._target.log
        if script.log:
            output = container.root / script.log.lstrip("/")
            output.parent.mkdir(parents=True, exist_ok=True)
        inside = f"/run/install/{file.name}"
        outside_system = script.kind == "post" and not script.in_system
        target = [(self._system.root, TARGET)] if outside_system else []
        command = container.execute([*script.interpreter.split(), inside], [(file, inside)], target)
        code = self._power.run(command, output)
        if code and script.must_succeed:
            raise InstallError(f"%{script.kind} ended with {code}: {_reason(output)}")

    def _call(
        self, container: Container, words: list[str], what: str, binds: list[tuple[Path, str]] | None = None
    ) -> None:
        output = self._target.folder / "step.log"
        output.unlink(missing_ok=True)
        if self._power.run(container.execute(words, binds or []), output):
            raise InstallError(f"{what}: {_reason(output)}")

    def _inside(self, path: str) -> Path:
        return self._live.root / path.lstrip("/")


def _reason(file: Path) -> str:
    """What a failed program gave as its reason: its last line that names an error, else its last line."""
    lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1].strip()
