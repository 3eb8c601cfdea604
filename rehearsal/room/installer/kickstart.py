"""Reads a kickstart with Anaconda's own parser and turns it into the plan of one machine."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from typing import Any, Literal

from pykickstart.constants import (
    KS_REBOOT,
    KS_SCRIPT_ONERROR,
    KS_SCRIPT_POST,
    KS_SCRIPT_PRE,
    KS_SHUTDOWN,
    SELINUX_DISABLED,
    SELINUX_PERMISSIVE,
)
from pykickstart.errors import KickstartError
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from rehearsal.room.installer.errors import InstallError

End = Literal["reboot", "poweroff", "wait"]
KINDS = {KS_SCRIPT_PRE: "pre", KS_SCRIPT_POST: "post", KS_SCRIPT_ONERROR: "onerror"}
SELINUX = {SELINUX_DISABLED: "disabled", SELINUX_PERMISSIVE: "permissive"}
URL = re.compile(r"^url\s.*--url=[\"']?([^\s\"']+)", re.M)  # needed before the file may be parsed: it names the release
INCLUDE = re.compile(r"^%include[ \t]+(\S+)[ \t]*$", re.M)


@dataclass(frozen=True)
class Script:
    """One %pre, %post or %onerror section."""

    kind: str
    text: str
    interpreter: str
    log: str | None
    must_succeed: bool
    in_system: bool


@dataclass(frozen=True)
class Link:
    """One `network` line that names an adapter, by its MAC or its kernel name."""

    device: str
    address: IPv4Interface | None  # None: leased
    gateway: str | None
    nameservers: tuple[str, ...]
    is_default_route: bool
    on_boot: bool
    activate: bool
    has_ipv6: bool
    mtu: int | None


@dataclass(frozen=True)
class Account:
    """One `user` line, with its `sshkey` lines."""

    name: str
    groups: tuple[str, ...]
    gecos: str
    shell: str
    home: str
    password: str
    is_crypted: bool
    is_locked: bool


@dataclass(frozen=True)
class Plan:
    """All that the kickstart says and the stand-in acts on."""

    hostname: str | None
    links: tuple[Link, ...]
    accounts: tuple[Account, ...]
    root_password: str | None
    keys: dict[str, tuple[str, ...]]
    tree: str | None
    repositories: dict[str, str]
    packages: tuple[str, ...]
    excluded: tuple[str, ...]
    weak_dependencies: bool
    enabled: tuple[str, ...]
    disabled: tuple[str, ...]
    firewall: bool
    firewall_services: tuple[str, ...]
    firewall_ports: tuple[str, ...]
    selinux: str
    timezone: str
    time_servers: tuple[str, ...]
    disks: tuple[str, ...]
    swap: bool
    end: End
    scripts: tuple[Script, ...] = field(repr=False)


def scripts(text: str, release: int) -> tuple[Script, ...]:
    """The sections of a kickstart whose %include files do not exist yet, such as those that %pre will write."""
    return _scripts(_parse(INCLUDE.sub("", text), release))


def expand(text: str, read: Callable[[str], str]) -> str:
    """Replace each %include line by the file that `read` returns for its path; InstallError when it cannot."""

    def content(match: re.Match[str]) -> str:
        try:
            return expand(read(match[1]), read)
        except OSError as error:
            raise InstallError(f"%include {match[1]}: {error.strerror}") from error

    return INCLUDE.sub(content, text)


def plan(text: str, release: int) -> Plan:
    """The plan of a complete kickstart for Rocky `release`; InstallError names the line that is wrong or missing."""
    data = _parse(text, release)
    _require(data)
    packages, services, firewall = data.packages, data.services, data.firewall
    lines = data.network.network
    return Plan(
        hostname=next((line.hostname for line in lines if line.hostname), None),
        links=tuple(_link(line) for line in lines if line.device),
        accounts=tuple(_account(user) for user in data.user.userList),
        root_password=None if data.rootpw.lock or not data.rootpw.password else data.rootpw.password,
        keys=_keys(data),
        tree=data.url.url if data.url.seen else None,
        repositories={repo.name: repo.baseurl for repo in data.repo.repoList if repo.baseurl},
        packages=_packages(packages),
        excluded=tuple(packages.excludedList),
        weak_dependencies=not packages.excludeWeakdeps,
        enabled=tuple(services.enabled),
        disabled=tuple(services.disabled),
        firewall=firewall.enabled is not False,
        firewall_services=tuple(firewall.services),
        firewall_ports=tuple(firewall.ports),
        selinux=SELINUX.get(data.selinux.selinux, "enforcing"),
        timezone=data.timezone.timezone or "UTC",
        time_servers=_time_servers(data),
        disks=tuple(data.ignoredisk.onlyuse or data.clearpart.drives),
        swap=bool(data.autopart.autopart and not data.autopart.noswap),
        end=_end(data),
        scripts=_scripts(data),
    )


def _parse(text: str, release: int) -> Any:
    data = makeVersion(f"RHEL{release}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations: Anaconda goes on, too
            KickstartParser(data).readKickstartFromString(text)
    except KickstartError as error:
        raise InstallError(f"the kickstart is wrong: {str(error).strip()}") from error
    return data


def _require(data: Any) -> None:
    """Refuse what Anaconda in text mode would stop at with a question."""
    if not (data.autopart.autopart or data.partition.partitions or data.logvol.lvList):
        raise InstallError("no partitioning is given (autopart, part or logvol)")
    if not data.rootpw.seen and not data.user.userList:
        raise InstallError("neither rootpw nor a user is given: nobody could enter the machine")
    if not (data.autopart.autopart is False or data.clearpart.seen or data.zerombr.seen):
        raise InstallError("autopart finds no room: clearpart or zerombr is missing")


def _scripts(data: Any) -> tuple[Script, ...]:
    return tuple(
        Script(KINDS[s.type], s.script, s.interp, s.logfile, bool(s.errorOnFail), bool(s.inChroot))
        for s in data.scripts
        if s.type in KINDS
    )


def _link(line: Any) -> Link:
    address = IPv4Interface(f"{line.ip}/{line.netmask}") if line.bootProto == "static" else None
    return Link(
        device=line.device,
        address=address,
        gateway=line.gateway or None,
        nameservers=tuple(name for name in (line.nameserver or "").split(",") if name),
        is_default_route=not line.nodefroute,
        on_boot=bool(line.onboot),
        activate=bool(line.activate),
        has_ipv6=not line.noipv6,
        mtu=int(line.mtu) if line.mtu else None,
    )


def _account(user: Any) -> Account:
    return Account(
        user.name, tuple(user.groups), user.gecos, user.shell, user.homedir, user.password or "",
        bool(user.isCrypted), bool(user.lock) or not user.password,
    )  # fmt: skip


def _keys(data: Any) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    for line in data.sshkey.sshUserList:
        keys[line.username] = (*keys.get(line.username, ()), line.key)
    return keys


def _packages(packages: Any) -> tuple[str, ...]:
    """Groups with dnf's `@`; Anaconda adds the group core unless --nocore says otherwise."""
    groups = [f"@{group.name}" for group in packages.groupList]
    if packages.environment:
        groups.insert(0, f"@^{packages.environment}")
    elif not packages.nocore and "@core" not in groups:
        groups.insert(0, "@core")
    return (*groups, *packages.packageList)


def _time_servers(data: Any) -> tuple[str, ...]:
    lines = [(line.ntp_server, line.ntp_pool) for line in data.timesource.timesource_list]
    return tuple(
        f"server {server} iburst" if server else f"pool {pool} iburst" for server, pool in lines if server or pool
    )


def _end(data: Any) -> End:
    ends: dict[int, End] = {KS_REBOOT: "reboot", KS_SHUTDOWN: "poweroff"}
    return ends.get(data.reboot.action, "wait") if data.reboot.seen else "wait"
