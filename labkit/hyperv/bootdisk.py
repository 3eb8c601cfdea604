"""The boot disk in the bootstrap server's drive: put in while its disk is blank, taken out once it answers."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal

from labkit.errors import MissingError, RefusedError
from labkit.hyperv.findings import answering
from labkit.hyperv.specs import MachineSpec, machine_spec
from labkit.media import bootdisk
from labkit.media.dvd import HOW_TO_GET_IT, Dvd, NotBootableError, read

if TYPE_CHECKING:
    from labkit.hyperv.facts import DiskFacts, VmFacts
    from labkit.hyperv.findings import Facts
    from labkit.session import Session

Content = Literal["installing", "nothing", "something"]
BLANK_BYTES = 64 << 20  # a dynamic disk of 80 GB that nothing was written to takes 6 MB; an installed system gigabytes


def is_in(session: Session) -> bool:
    """Whether the boot disk is in a drive: the machine is being installed, or was and nobody has looked since."""
    return bool(_drives(session, _vm(session)))


def content(session: Session, vm: VmFacts) -> Content:
    """What the machine's disk holds, by what its host alone can tell; "installing" while the boot disk is in.

    No DVD has to be there, and no other host has to answer.
    """
    if _drives(session, vm):
        return "installing"
    if not vm.is_off or vm.system_disk is None or _has_layers(vm):
        return "something"
    spec = _spec(session)
    answer = session.hosts.ask("Get-LabMedia", {spec.host: {"Disk": vm.system_disk.path}})[spec.host]
    return "something" if answer["disk_bytes"] > BLANK_BYTES else "nothing"


def insert(session: Session, kickstart: str) -> bool:
    """Put the boot disk in if the machine's disk is blank; return whether that was so.

    The machine must be off. Raises MissingError without a DVD on its host, RefusedError when that is not Rocky's DVD of
    the release described.
    """
    spec, vm = _spec(session), _vm(session)
    if vm.system_disk is None:
        raise MissingError(f"{spec.vm_name} has no system disk on {spec.host}", "run `inv hyperv.create`")
    dvd = _installing(session, vm, vm.system_disk.path)
    if dvd is None:
        return False
    media = {"Iso": spec.dvd, "Disk": vm.system_disk.path}
    files = {"ks.cfg": kickstart.encode()}
    files |= {path: bootdisk.grub(session.lab, dvd).encode() for path in bootdisk.CONFIGURATIONS}
    given = {"Lab": session.lab.name, "Id": vm.id, "Path": spec.boot_disk, "Part": bootdisk.parts(files, dvd)}
    session.hosts.run("Set-LabBootDisk", {spec.host: {**media, **given}})
    return True


def holds_system(session: Session, facts: Facts) -> bool:
    """Whether something was written to the machine's disk, in a VM or left over, or the VM is not off.

    Of one that is blank, or not made yet, it raises what `insert` would refuse for: no DVD, or the wrong one.
    """
    vm, disk = facts[_spec(session).host].machines.get(session.lab.bootstrap.name), system_disk(session, facts)
    if disk is None:
        require_dvd(session)
        return False
    return bool(vm and not vm.is_off) or _installing(session, vm, disk.path) is None


def system_disk(session: Session, facts: Facts) -> DiskFacts | None:
    """The machine's system disk, in its VM or left over."""
    spec = _spec(session)
    here = facts[spec.host]
    vm = here.machines.get(spec.name)
    return vm.system_disk if vm and vm.system_disk else next(iter(here.loose_disks(spec.name, "system")), None)


def require_dvd(session: Session) -> None:
    """Raise MissingError unless the DVD is on the machine's host, RefusedError when it is another than described."""
    spec = _spec(session)
    _refuse_absent(session, spec)
    answer = session.hosts.ask("Get-LabMedia", {spec.host: {"Iso": spec.dvd}})[spec.host]
    _dvd(session, spec, answer["media"])


def _refuse_absent(session: Session, spec: MachineSpec) -> None:
    if session.hosts.read()[spec.host].has_iso:
        return
    raise MissingError(
        f"{spec.name} is installed from {spec.dvd}, which is not on {spec.host}",
        f"{HOW_TO_GET_IT}; then `inv os.bootstrap`",
    )


def remove(session: Session) -> bool:
    """Take the boot disk out and delete its image, which holds the machine's private host key; whether it was there."""
    spec, vm = _spec(session), _vm(session)
    if not _drives(session, vm):
        return False
    given = {"Lab": session.lab.name, "Id": vm.id, "Path": spec.boot_disk}
    return bool(session.hosts.run("Remove-LabBootDisk", {spec.host: given})[spec.host]["changed"])


def _spec(session: Session) -> MachineSpec:
    return machine_spec(session.lab, session.lab.bootstrap)


def _vm(session: Session) -> VmFacts:
    spec = _spec(session)
    vm = answering(session.hosts.read())[spec.host].machines.get(spec.name)
    if vm is None:
        raise MissingError(f"no VM for {spec.name} on {spec.host}", "run `inv hyperv.create`")
    return vm


def _drives(session: Session, vm: VmFacts) -> list[str]:
    path = _spec(session).boot_disk.lower()
    return [dvd.id for dvd in vm.dvds if dvd.path.lower() == path]


def _has_layers(vm: VmFacts) -> bool:
    """Whether a checkpoint's layer lies above the disk: it is small, whatever lies below it."""
    return bool(vm.checkpoints) or any(drive.is_layer for drive in vm.drives)


def _installing(session: Session, vm: VmFacts | None, disk: str) -> Dvd | None:
    """The DVD that a machine which is off will be installed from; None when its disk holds something already."""
    if vm and _has_layers(vm):
        return None
    spec = _spec(session)
    iso = {"Iso": spec.dvd} if session.hosts.read()[spec.host].has_iso else {}
    answer = session.hosts.ask("Get-LabMedia", {spec.host: {"Disk": disk, **iso}})[spec.host]
    if answer["disk_bytes"] > BLANK_BYTES:
        return None
    _refuse_absent(session, spec)
    return _dvd(session, spec, answer["media"])


def _dvd(session: Session, spec: MachineSpec, media: dict[str, str]) -> Dvd:
    wanted = session.lab.rocky.release
    hint = f"move it away: `inv pxe.media` then fetches the DVD of Rocky Linux {wanted}; then `inv os.bootstrap`"
    where = f"{spec.dvd} on {spec.host}"
    try:
        dvd = read(base64.b64decode(media["descriptors"]), base64.b64decode(media["catalog"]))
    except NotBootableError as error:
        raise RefusedError(f"{where}: {error}", hint) from None
    if dvd.release != wanted:
        raise RefusedError(f"{where} is called {dvd.label!r}, which is not Rocky Linux {wanted}", hint)
    if not dvd.has_packages:
        raise RefusedError(f"{where} has {dvd.size / 1e9:.1f} GB: only the DVD has all packages", hint)
    return dvd
