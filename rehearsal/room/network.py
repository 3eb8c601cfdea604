"""The room's network: two namespaces, one bridge a network, a cable for each adapter of each powered-on VM.

A Private or an Internal switch is a bridge of its PC's own; all External ones are the one LAN.

Nothing in here has a way out: the namespaces have no link to the root namespace and no route beyond EXTERNAL.
"""

from __future__ import annotations

import json
import subprocess
import threading
import zlib
from ipaddress import IPv4Interface
from pathlib import Path

from rehearsal.room.command import run
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import CONTROLLER, CONTROLLER_NETNS, LAN_BRIDGE, ROOM_NETNS, UPSTREAM
from rehearsal.room.plan import Plan
from rehearsal.room.vm import Adapter, Vm

NAMED = Path("/run/netns")
_making = threading.Lock()  # of a bridge that two guests look for at once


def build(plan: Plan) -> None:
    """Make both namespaces, the LAN with the addresses of upstream and hosts, and the controller's cable to it.

    The PC whose NAT hides machines is the one that `inv` is typed on: the controller reaches them through it.
    """
    for name in (ROOM_NETNS, CONTROLLER_NETNS):
        if not (NAMED / name).exists():
            run(["ip", "netns", "add", name])
        run(["ip", "-n", name, "link", "set", "lo", "up"])
    there = links(ROOM_NETNS)
    addresses = [f"addr replace {address} dev {LAN_BRIDGE}" for address in (UPSTREAM, *plan.hosts.values())]
    cable = [
        f"link add controller type veth peer name eth0 netns {NAMED / CONTROLLER_NETNS}",
        f"link set controller master {LAN_BRIDGE} up",
    ]
    bridge = [] if LAN_BRIDGE in there else _bridge(LAN_BRIDGE)
    _batch([*bridge, *addresses, *([] if "controller" in there else cable)], ROOM_NETNS)
    routes = [f"route replace {cidr} via {host}" for cidr, host in plan.behind_nat]
    _batch([f"addr replace {CONTROLLER} dev eth0", "link set eth0 up", *routes], CONTROLLER_NETNS)


def remove() -> None:
    """Remove both namespaces with everything plugged into them; nothing happens when they are not there."""
    for name in (CONTROLLER_NETNS, ROOM_NETNS):
        if (NAMED / name).exists():
            run(["ip", "netns", "delete", name])


def links(namespace: str | None = None) -> set[str]:
    """The names of the links of a namespace (None: the caller's own)."""
    where = ["-n", namespace] if namespace else []
    return {link["ifname"] for link in json.loads(run(["ip", *where, "-j", "link", "show"]))}


def plug_taps(vm: Vm) -> list[str]:
    """Make a tap for every adapter of a VM that is about to run under QEMU; return their names in order."""
    names = [f"t{vm.short}{index}" for index in range(len(vm.adapters))]
    unplug(vm)
    lines = []
    for name, adapter in zip(names, vm.adapters, strict=True):
        lines += [f"tuntap add dev {name} mode tap", *_into(name, adapter)]
    _batch(lines)
    return names


def plug_cables(vm: Vm, namespace: Path) -> None:
    """Give the machine of a VM its adapters as eth0, eth1, ... in `namespace`, a file made by `make_namespace`."""
    unplug(vm)
    lines = []
    for index, adapter in enumerate(vm.adapters):
        name = f"v{vm.short}{index}"
        lines += [f"link add {name} type veth peer name eth{index} address {adapter.mac} netns {namespace}"]
        lines += _into(name, adapter)
    _batch(lines)


def unplug(vm: Vm) -> None:
    """Remove every cable and tap of a VM; the machine's ends vanish with them.

    A cable may vanish by itself at this moment, with the namespace of its other end.
    """
    for name in sorted(name for name in links() if name[1:9] == vm.short):
        try:
            run(["ip", "link", "delete", name])
        except RoomError:
            if name in links():
                raise


def make_namespace(file: Path) -> None:
    """Make a network namespace and mount it on `file`; it lives in the room's mount namespace only."""
    drop_namespace(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    run(["unshare", f"--net={file}", "ip", "link", "set", "lo", "up"])


def drop_namespace(file: Path) -> None:
    """Remove a namespace that `make_namespace` made; nothing happens when it is not there."""
    if file.exists():
        subprocess.run(["umount", "--quiet", str(file)], check=False, capture_output=True)  # not mounted is fine
        file.unlink(missing_ok=True)


def set_address(namespace: Path, link: str, address: IPv4Interface, gateway: str | None = None) -> None:
    """Give a link an address and perhaps the default route, as an installer does before anything runs."""
    lines = [f"addr replace {address} dev {link}", f"link set {link} up"]
    if gateway:
        lines.append(f"route replace default via {gateway} dev {link}")
    run(["nsenter", f"--net={namespace}", "ip", "-batch", "-"], stdin="\n".join(lines) + "\n")


def give_address(bridge: str, address: IPv4Interface) -> None:
    """Give a PC's own adapter on a switch its address; the bridge is made when nothing was plugged in yet."""
    _ensure_bridge(bridge)
    _batch([f"addr replace {address} dev {bridge}"])


def take_address(bridge: str, address: IPv4Interface) -> None:
    """Take the address away again."""
    _batch([f"addr del {address} dev {bridge}"])


def _into(name: str, adapter: Adapter) -> list[str]:
    """The lines that plug the near end of a cable into its bridge, which is made when it is the first one."""
    if adapter.bridge is None:
        return []
    _ensure_bridge(adapter.bridge)
    return [f"link set {name} master {adapter.bridge} up"]


def _ensure_bridge(name: str) -> None:
    with _making:
        if name not in links():
            _batch(_bridge(name))


def _bridge(name: str) -> list[str]:
    """The lines that make a bridge.

    Without spanning tree a port forwards at once; snooping would drop multicast that nobody asked for; and a bridge
    without a MAC of its own takes that of a port, so the addresses on it would move when machines come and go.
    """
    mac = "02:00:" + zlib.crc32(name.encode()).to_bytes(4, "big").hex(":")
    kind = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
    return [f"link add {name} address {mac} {kind}", f"link set {name} up"]


def _batch(lines: list[str], namespace: str | None = None) -> None:
    if lines:
        where = ["-n", namespace] if namespace else []
        run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")


def require_inside() -> None:
    """Refuse to act on links anywhere but in the room's own namespace."""
    if LAN_BRIDGE not in links():
        raise RoomError(f"this must run in the network namespace {ROOM_NETNS}: use `python -m rehearsal up`")
