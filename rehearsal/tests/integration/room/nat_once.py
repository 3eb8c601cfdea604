"""A laptop's NAT for real, in a network namespace of its own: prints as JSON whom each end sees, with NAT and without.

Usage: unshare --net python nat_once.py (as root). A machine lies behind the Internal switch, the controller on the LAN.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(CHECKOUT))

from rehearsal.hosts.begin import begin  # noqa: E402
from rehearsal.room import nat, network  # noqa: E402
from rehearsal.room.layout import CONTROLLER, LAN_BRIDGE  # noqa: E402
from rehearsal.room.plan import Plan  # noqa: E402

MACHINE = "198.51.100.10"
PORT = "8080"
SERVE = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    while True:
        end, caller = server.accept()
        end.sendall(caller[0].encode())
        end.close()
"""
CALL = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as end:
        print(end.recv(99).decode())
except OSError:
    print("nobody")
"""


class End:
    """A namespace on a bridge, in which a server tells each caller by what address it is seen."""

    def __init__(self, name: str, bridge: str, address: str, route: str) -> None:
        command = ["unshare", "--net", sys.executable, "-c", SERVE, PORT]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        self._server.stdout.readline()
        self._inside = ["nsenter", f"--net=/proc/{self._server.pid}/ns/net"]
        network._batch(
            [
                f"link add {name} type veth peer name eth0 netns {self._server.pid}",
                f"link set {name} master {bridge} up",
            ]
        )
        for words in (f"addr add {address} dev eth0", "link set eth0 up", f"route add {route}"):
            subprocess.run([*self._inside, "ip", *words.split()], check=True)

    def call(self, address: str) -> str:
        """By what address the server at `address` sees this end."""
        command = [*self._inside, sys.executable, "-c", CALL, address, PORT]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def stop(self) -> None:
        self._server.kill()
        self._server.wait()


def main() -> None:
    plan = Plan.of(CHECKOUT / "labs" / "rehearsal-one-pc.yaml")
    here = plan.hosts["pc1"]
    state = begin(plan.lab, "pc1", address=str(here.ip), prefix=here.network.prefixlen)
    network.give_address(LAN_BRIDGE, here)
    translation = nat.Translation()
    translation.follow("pc1", state)
    ((behind, through),) = plan.behind_nat
    machine = End("machine", nat.gateways("pc1", state)[0].bridge, f"{MACHINE}/24", "default via 198.51.100.1")
    controller = End("controller", LAN_BRIDGE, str(CONTROLLER), f"{behind} via {through}")
    try:
        seen = {"machine": controller.call(MACHINE), "controller": machine.call(str(CONTROLLER.ip))}
        translation.follow("pc1", {**state, "nats": []})
        seen["without"] = machine.call(str(CONTROLLER.ip))
        print(json.dumps(seen))
    finally:
        for end in (machine, controller):
            end.stop()


if __name__ == "__main__":
    main()
