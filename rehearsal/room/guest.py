"""One powered-on VM, from its firmware to its machine, until it is off again."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rehearsal.room import cgroup, disk, firmware, network, vm
from rehearsal.room.disk import Disk
from rehearsal.room.firmware import Fetched
from rehearsal.room.installer import media
from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.install import Installation, Target
from rehearsal.room.layout import Layout
from rehearsal.room.machine import REBOOTED, Container
from rehearsal.room.power import PATIENCE_S, Power, PowerCut
from rehearsal.room.vm import Adapter, Vm
from rehearsal.upstream import dvd

End = Literal["off", "reboot"]
FIRMWARE_POLL_S = 0.3


class Guest(threading.Thread):
    """The life of one VM between power-on and power-off, in a thread of its own.

    `ended` is called once at the end, with whether the guest powered itself off.
    """

    def __init__(self, vm: Vm, layout: Layout, image: Path, ended: Callable[[Vm, bool], None]) -> None:
        super().__init__(name=vm.name, daemon=True)
        self.vm = vm
        self.is_system_up = False  # an installed system that obeys a clean shutdown
        self._layout, self._image, self._ended = layout, image, ended
        self._power = Power(vm.short)
        self._folder = layout.guest(vm.id)
        self._namespace = layout.namespaces / vm.id
        self._stop_by: float | None = None

    def run(self) -> None:
        """Boot again and again until somebody turns it off, or it does so itself."""
        by_itself = False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._say(f"{self.vm.name}: power on")
            while self._boot() == "reboot":
                self._say(f"{self.vm.name}: reboot")
            by_itself = True
        except PowerCut:
            pass
        except Exception as error:  # noqa: BLE001 - whatever broke must be seen in the log, and the VM goes off
            self._say(f"{self.vm.name}: the room failed: {type(error).__name__}: {error}")
        finally:
            self._clean_up()
            self._say(f"{self.vm.name}: off")
            self._ended(self.vm, by_itself)

    def cut(self) -> None:
        """Turn off, as by the power cord."""
        self._power.cut()

    def shut_down(self) -> None:
        """Ask the system to power off; its cord is pulled when it does not obey in time."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + PATIENCE_S
            self._power.press_button()
        elif time.monotonic() > self._stop_by:
            self._power.cut()

    def _boot(self) -> End:
        """Try the entries of the boot order; a machine that finds nothing to boot stays on, doing nothing."""
        dvds = [dvd.image for kind, device in self.vm.boot_order if kind == "drive" and (dvd := self.vm.dvd(device))]
        for _, device in self.vm.boot_order:
            fetched = None
            if adapter := self.vm.adapter(device):
                fetched = self._network_boot(adapter)
            elif self.vm.dvd(device):
                if dvds:  # at the first one: the firmware goes on to the next by itself
                    fetched = self._dvd_boot(dvds)
                    dvds = []
            elif (content := self._disk(device)) and content.is_installed:
                return self._run_machine(content)
            if fetched:
                return self._install(fetched)
        self._say(f"{self.vm.name}: no operating system was loaded")
        return self._wait_for_power_off()

    def _disk(self, drive_id: str) -> Disk | None:
        drive = self.vm.drive(drive_id)
        return disk.of(self._layout, drive.vhd) if drive and drive.vhd else None

    def _system_disk(self) -> Disk | None:
        return disk.of(self._layout, self.vm.drives[0].vhd) if self.vm.drives and self.vm.drives[0].vhd else None

    # ---- firmware ----

    def _network_boot(self, adapter: Adapter) -> Fetched | None:
        self._say(f"{self.vm.name}: network boot from {adapter.mac}")
        taps = network.plug_taps(self.vm)
        fetched = self._start_firmware(firmware.from_network(self.vm, adapter, taps, self._folder))
        network.unplug(self.vm)
        return fetched

    def _dvd_boot(self, images: list[Path]) -> Fetched | None:
        self._say(f"{self.vm.name}: boot from {', then '.join(image.name for image in images)}")
        return self._start_firmware(firmware.from_dvd(self.vm, images, self._folder))

    def _start_firmware(self, command: list[str]) -> Fetched | None:
        """Run the firmware until the guest handed over its kickstart; None when the firmware went on without it."""
        begin, result = time.monotonic(), self._folder / "handed-over"
        result.unlink(missing_ok=True)
        with (self._folder / "qemu.log").open("ab") as log:
            process = self._power.start(command, log)
            gave_up = self._watch_firmware(process)
        fetched = None if gave_up or not result.exists() else firmware.handed_over(result.read_text(encoding="utf-8"))
        if fetched:
            self._say(f"{self.vm.name}: kickstart fetched {time.monotonic() - begin:.0f} s after the firmware began")
        return fetched

    def _watch_firmware(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for QEMU's end; kill it when the firmware came back from the loader, and return whether it did."""
        log = self._folder / "firmware.log"
        try:
            while process.poll() is None:
                self._power.wait(FIRMWARE_POLL_S)
                if log.exists() and firmware.gave_up(log.read_bytes()):
                    return True
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        return False

    # ---- installation ----

    def _install(self, fetched: Fetched) -> End:
        begin, system = time.monotonic(), self._system_disk()
        if system is None:
            self._say(f"{self.vm.name}: there is no disk to install to")
            return self._wait_for_power_off()
        vm.write_to(self.vm.drives[0])
        self._plug_machine()
        if fetched.address:
            index = [adapter.mac for adapter in self.vm.adapters].index(str(fetched.mac))
            network.set_address(self._namespace, f"eth{index}", fetched.address)
        try:
            end = self._installation(system, fetched).run()
        except InstallError as error:
            self._say(f"{self.vm.name}: the installation failed: {error}")
            return self._wait_for_power_off()
        self._say(f"{self.vm.name}: installed in {time.monotonic() - begin:.0f} s")
        return self._wait_for_power_off() if end == "wait" else ("reboot" if end == "reboot" else "off")

    def _installation(self, system: Disk, fetched: Fetched) -> Installation:
        (self._folder / "kickstart.cfg").write_bytes(fetched.kickstart)
        words = fetched.command_line.split()
        (self._folder / "cmdline").write_text(" ".join(words) + "\n", encoding="utf-8")
        dvd = self._open_dvd()
        container = self._container(((dvd, media.DVD),) if dvd else ())
        adapters = {f"eth{index}": adapter.mac for index, adapter in enumerate(self.vm.adapters)}
        memory, log = self.vm.memory_bytes, self._folder / "console.log"
        target = Target(container, self._image, adapters, memory, system, self._folder, log, dvd)
        say = lambda text: self._say(f"{self.vm.name}: {text}")  # noqa: E731
        return Installation(target, fetched.kickstart.decode(), words, self._power, say)

    def _open_dvd(self) -> Path | None:
        """The files of the first DVD in a drive that holds an install tree. The room's kernel may know no ISO 9660."""
        folder = self._folder / "dvd"
        for drive in self.vm.dvds:
            shutil.rmtree(folder, ignore_errors=True)
            dvd.extract(drive.image, folder)
            if (folder / ".treeinfo").exists():
                return folder
        return None

    # ---- the installed machine ----

    def _run_machine(self, system: Disk) -> End:
        """Boot the installed system and wait for its end."""
        self._plug_machine()
        container = self._container()
        system.mount(system.image, container.root)
        self._say(f"{self.vm.name}: booting from disk")
        self.is_system_up = True
        try:
            code = self._power.run(container.boot(), self._folder / "console.log")
        finally:
            self.is_system_up = False
            disk.unmount(container.root)
        return "reboot" if code == REBOOTED else "off"

    def _plug_machine(self) -> None:
        network.unplug(self.vm)  # first: the old namespace takes its cables along when it goes
        network.make_namespace(self._namespace)
        network.plug_cables(self.vm, self._namespace)

    def _container(self, binds: tuple[tuple[Path, str], ...] = ()) -> Container:
        """The container of this VM: the host lends it its data disks, and the list of its disks for lsblk."""
        rows, devices = [], []
        for letter, drive in zip("abcdefgh", (drive for drive in self.vm.drives if drive.vhd), strict=False):
            row: dict[str, str | int] = {"name": f"sd{letter}", "size": drive.size_bytes}
            if letter != "a":
                row["device"] = f"/dev/sd{letter}"
                loop = disk.of(self._layout, str(drive.vhd)).attach(drive.size_bytes)
                devices.append((loop, f"/dev/sd{letter}"))
            rows.append(row)
        listing = self._folder / "disks.json"
        listing.write_text(json.dumps(rows), encoding="utf-8")
        name = self.vm.machine or self.vm.name
        binds = (*binds, (listing, "/run/rehearsal/disks.json"))
        return Container(name, self._folder / "root", self._namespace, self.vm.id, binds, tuple(devices))

    def _wait_for_power_off(self) -> End:
        while True:
            self._power.wait(3600)

    def _clean_up(self) -> None:
        cgroup.kill(self.vm.short)
        for root in (self._folder / "root", self._folder / "installer" / "root"):
            disk.unmount(root)
        network.unplug(self.vm)
        network.drop_namespace(self._namespace)
        cgroup.remove(self.vm.short)

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
        with (self._folder / "console.log").open("a", encoding="utf-8") as log:
            log.write(f"[room] {text}\n")
