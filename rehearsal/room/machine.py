"""An installed machine as a systemd-nspawn container: its own processes, network, hostname; the host's kernel.

It keeps only nspawn's default capabilities (no CAP_SYS_TIME, CAP_SYS_MODULE, CAP_SYS_RAWIO), plus those over its own
network namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

REBOOTED = 133  # nspawn's exit code for a container that rebooted and is to be started again (--keep-unit)


@dataclass(frozen=True)
class Container:
    """Where a container's root and network lie, and what the host lends it.

    `binds` are pairs (path here, path inside), `devices` pairs (device here, name inside).
    """

    name: str
    root: Path
    namespace: Path
    uuid: str
    binds: tuple[tuple[Path, str], ...] = ()
    devices: tuple[tuple[str, str], ...] = ()

    def boot(self) -> list[str]:
        """The command that boots the root's own init; SIGTERM to it is a clean power-off."""
        return [*self._base(), "--boot", f"--uuid={self.uuid}", "--kill-signal=SIGRTMIN+4"]

    def execute(
        self,
        command: Sequence[str],
        binds: Iterable[tuple[Path, str]] = (),
        writable: Iterable[tuple[Path, str]] = (),
    ) -> list[str]:
        """The command that runs one program inside, without init; `binds` are lent read-only."""
        extra = [_bind(here, inside) for here, inside in binds]
        extra += [f"--bind={here}:{inside}" for here, inside in writable]
        # what one script leaves in /tmp is there for the next: no tmpfs over it
        keep = ["env", "SYSTEMD_NSPAWN_TMPFS_TMP=0"]
        return [*keep, *self._base(), "--as-pid2", "--console=pipe", "--setenv=LANG=C.UTF-8", *extra, "--", *command]

    def _base(self) -> list[str]:
        # entered from outside: with its own option for that, nspawn would show /sys/class/net of the room
        words = [
            "nsenter", f"--net={self.namespace}", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
            f"--machine={self.name}", f"--directory={self.root}", "--capability=CAP_NET_ADMIN", "--link-journal=no",
            "--resolv-conf=off", "--timezone=off",
        ]  # fmt: skip
        words += [_bind(here, inside) for here, inside in self.binds]
        for device, inside in self.devices:
            # blkid finds a file system by the kernel's own name of the device, a role by the machine's
            words += [f"--bind={device}:{inside}", f"--bind={device}"]
        return words


def _bind(here: Path, inside: str) -> str:
    return f"--bind-ro={here}:{inside}"
