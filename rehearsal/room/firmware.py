"""The firmware of a VM: QEMU with OVMF, which boots from the network or a DVD as boot order and Secure Boot say."""

from __future__ import annotations

import base64
import binascii
import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from rehearsal.room.vm import UEFI_TEMPLATE, Adapter, Vm

OVMF = Path("/usr/share/OVMF")
CODE = OVMF / "OVMF_CODE_4M.secboot.fd"
# The firmware's variables say which keys are enrolled: Microsoft's, or none (then Secure Boot is off).
VARIABLES = {True: OVMF / "OVMF_VARS_4M.ms.fd", False: OVMF / "OVMF_VARS_4M.fd"}
MEMORY_MB = 512  # the stand-in installer needs far less than Anaconda
# Emulated on a busy computer, a guest misses timer interrupts, and its kernel panics: "IO-APIC + timer doesn't work".
# On a hypervisor that it knows it does not look; of those, QEMU can play VMware without KVM, told by this serial.
PROCESSORS = {
    "kvm": ("-cpu", "host"),
    "tcg": ("-cpu", "max,-hypervisor", "-smbios", "type=1,serial=VMware-rehearsal"),
}
# What GRUB's `exit`, a refused signature and a missing DHCP server end in: the firmware's own menu, its last entry.
GAVE_UP = (b'"UiApp"', b"BdsDxe: No bootable option")


@dataclass(frozen=True)
class Fetched:
    """What a guest that was booted really got: the bytes of its kickstart, its command line, its leased address.

    `address` and `mac` are None for one that was started from a DVD: it needs no network to fetch its kickstart.
    """

    kickstart: bytes
    command_line: str
    address: IPv4Interface | None = None
    mac: str | None = None


def secure_boot(vm: Vm) -> bool:
    """Whether the firmware checks signatures against the CA that signs shim; other templates trust Windows alone."""
    return vm.secure_boot and vm.secure_boot_template == UEFI_TEMPLATE


@functools.cache
def accelerator() -> str:
    """`kvm` where a guest with this firmware really starts under it, else `tcg`: /dev/kvm may exist and be unusable."""
    if not Path("/dev/kvm").exists():
        return "tcg"
    with tempfile.TemporaryDirectory(prefix="lab-kvm-") as folder:
        command = [*_machine("kvm", Path(folder), enrolled=True), "-nic", "none"]
        try:
            code = subprocess.run(command, timeout=3, check=False, capture_output=True).returncode
        except subprocess.TimeoutExpired:
            return "kvm"  # it was still running: that is what a usable one does
    return "kvm" if code == 0 else "tcg"


def from_network(vm: Vm, boot: Adapter, taps: list[str], folder: Path) -> list[str]:
    """The QEMU command of a VM that boots from its adapter `boot`, with all its adapters on `taps`.

    Console and what the guest hands over are written to `folder`/firmware.log and `folder`/handed-over.
    """
    words = _named(vm, folder)
    for index, (adapter, tap) in enumerate(zip(vm.adapters, taps, strict=True)):
        first = ",bootindex=0" if adapter is boot else ""
        words += ["-netdev", f"tap,id=n{index},ifname={tap},script=no,downscript=no"]
        # an empty romfile: else iPXE's ROM does the booting, and shim then rejects GRUB
        words += ["-device", f"virtio-net-pci,netdev=n{index},mac={adapter.mac},romfile={first}"]
    return words


def from_dvd(vm: Vm, images: list[Path], folder: Path) -> list[str]:
    """The QEMU command of a VM that boots from the DVD images in its drives, in this order; as `from_network` else.

    Its adapters are left out: who has a DVD needs no network to begin.
    """
    words = [*_named(vm, folder), "-nic", "none", "-device", "virtio-scsi-pci,id=scsi"]
    for index, image in enumerate(images):  # OVMF shows GRUB no drive that is not in its boot order
        words += ["-drive", f"if=none,id=d{index},media=cdrom,format=raw,readonly=on,file={image}"]
        words += ["-device", f"scsi-cd,bus=scsi.0,drive=d{index},bootindex={index}"]
    return words


def _named(vm: Vm, folder: Path) -> list[str]:
    words = [*_machine(accelerator(), folder, enrolled=secure_boot(vm)), "-serial", f"file:{folder / 'handed-over'}"]
    return [*words, "-name", vm.name, "-uuid", vm.id, "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off"]


def _machine(acceleration: str, folder: Path, *, enrolled: bool) -> list[str]:
    variables = folder / "variables.fd"
    shutil.copyfile(VARIABLES[enrolled], variables)
    return [
        "qemu-system-x86_64", "-machine", f"q35,smm=on,accel={acceleration}", *PROCESSORS[acceleration], "-smp", "1",
        "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-global", "driver=cfi.pflash01,property=secure,value=on",
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}",
        "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
        "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n",
        "-device", "VGA", "-device", "virtio-rng-pci", "-serial", f"file:{folder / 'firmware.log'}",
    ]  # fmt: skip


def gave_up(log: bytes) -> bool:
    """Whether the firmware tried to boot and came back, by its own words on the console."""
    return any(words in log for words in GAVE_UP)


def handed_over(text: str) -> Fetched | None:
    """What the guest wrote to its second serial port, or None when it did not finish."""
    fields = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    if not text.rstrip().endswith("end") or "kickstart" not in fields:
        return None
    try:
        kickstart = base64.b64decode(fields["kickstart"], validate=True)
        command_line = base64.b64decode(fields["cmdline"], validate=True).decode()
    except (binascii.Error, KeyError):
        return None
    address = IPv4Interface(fields["address"]) if "address" in fields else None
    return Fetched(kickstart, command_line, address, fields.get("mac"))
