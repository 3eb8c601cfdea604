"""What the plan says, written into a new system's root: files directly, programs of the system inside it."""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Mapping
from pathlib import Path

from rehearsal.room.installer import keyfile
from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.kickstart import Account, Plan


def write_files(plan: Plan, root: Path, adapters: Mapping[str, str]) -> None:
    """Write hostname, adapters, time zone, SELinux mode and swap; `adapters` maps a kernel name to its MAC.

    The machine-id is new with each installation: on Hyper-V systemd makes it by chance, not of the VM's UUID
    (systemd-machine-id-setup(1): only KVM and containers lend theirs).
    """
    (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="utf-8")
    if plan.hostname:
        (root / "etc/hostname").write_text(plan.hostname + "\n", encoding="utf-8")
    _write_links(plan, root, adapters)
    zone = root / "etc/localtime"
    zone.unlink(missing_ok=True)
    zone.symlink_to(f"../usr/share/zoneinfo/{plan.timezone}")
    selinux = root / "etc/selinux"
    selinux.mkdir(exist_ok=True)
    (selinux / "config").write_text(f"SELINUX={plan.selinux}\nSELINUXTYPE=targeted\n", encoding="utf-8")
    if plan.swap:
        with (root / "etc/fstab").open("a", encoding="utf-8") as table:
            table.write("/dev/mapper/rl-swap none swap defaults 0 0\n")
    _write_time_servers(plan, root)


def adapter_of(device: str, adapters: Mapping[str, str]) -> tuple[str, str]:
    """The (kernel name, MAC) that a `network --device` means; InstallError when the machine has no such adapter."""
    for name, mac in adapters.items():
        if device.lower() in (name, mac):
            return name, mac
    raise InstallError(f"network --device={device}: this machine has no such adapter")


def commands(plan: Plan) -> str:
    """The shell script that makes accounts and switches services on and off, to be run inside the new system."""
    lines = [line for account in plan.accounts for line in _account(account)]
    if plan.root_password is None:
        lines.append(["usermod", "--lock", "root"])
    for name, keys in plan.keys.items():
        lines.append(["install", "-d", "-m", "0700", "-o", name, "-g", name, f"{_home(plan, name)}/.ssh"])
        lines += [["add_key", name, f"{_home(plan, name)}/.ssh/authorized_keys", key] for key in keys]
    lines += [["systemctl", "--quiet", "disable", unit] for unit in plan.disabled]
    lines += [["systemctl", "--quiet", "enable", unit] for unit in plan.enabled]
    lines += _firewall(plan)
    add_key = 'add_key() { echo "$3" >> "$2" && chmod 600 "$2" && chown "$1:$1" "$2"; }'
    return "\n".join(["set -eu", add_key, *(shlex.join(line) for line in lines)]) + "\n"


def _write_links(plan: Plan, root: Path, adapters: Mapping[str, str]) -> None:
    folder = root / keyfile.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for link in plan.links:
        name, mac = adapter_of(link.device, adapters)
        path = folder / f"{name}.nmconnection"
        path.write_text(keyfile.text(link, name, mac), encoding="utf-8")
        path.chmod(0o600)  # NetworkManager ignores one that others may read


def _write_time_servers(plan: Plan, root: Path) -> None:
    configuration = root / "etc/chrony.conf"
    if plan.time_servers and configuration.exists():
        kept = re.sub(r"(?m)^(server|pool) .*\n", "", configuration.read_text(encoding="utf-8"))
        configuration.write_text("\n".join(plan.time_servers) + "\n" + kept, encoding="utf-8")


def _account(account: Account) -> list[list[str]]:
    words = ["useradd", "--create-home", "--comment", account.gecos]
    if account.groups:
        words += ["--groups", ",".join(account.groups)]
    if account.shell:
        words += ["--shell", account.shell]
    if account.home:
        words += ["--home-dir", account.home]
    if account.is_crypted:
        words += ["--password", account.password]
    lock = [["passwd", "--quiet", "--lock", account.name]] if account.is_locked else []
    return [[*words, account.name], *lock]


def _home(plan: Plan, name: str) -> str:
    own = next((account.home for account in plan.accounts if account.name == name), "")
    return own or ("/root" if name == "root" else f"/home/{name}")


def _firewall(plan: Plan) -> list[list[str]]:
    if not plan.firewall:
        return [["systemctl", "--quiet", "disable", "firewalld"]]
    words = [f"--add-service={name}" for name in plan.firewall_services]
    words += [f"--add-port={port.replace(':', '/')}" for port in plan.firewall_ports]
    return [["firewall-offline-cmd", "--quiet", *words]] if words else []
