"""NetworkPolicy as Calico's agent enforces it, for what comes in: packets to this node's pods pass nftables or do not.

Two tables hold the same rules. `ip` sees what is routed here from other nodes and from outside; `bridge` sees what this
node's pods send each other, without connection tracking, so that there an answer is told by its TCP flags. The API
server takes no policy that asks for more than pods of its own namespace, by their labels.
"""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from typing import Any

from rehearsal.kubernetes.node.api import Api

from .incluster import follow, say

Object = dict[str, Any]
TABLE = "calico-policy"


@dataclass
class Seen:
    """The cluster's policies and pods, each by its key."""

    policies: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, Object] = field(default_factory=dict)


def matches(selector: Object, pod: Object) -> bool:
    """Whether a LabelSelector selects a pod; an empty one selects every one."""
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())


def allowed(pod: Object, seen: Seen) -> set[str] | None:
    """The addresses that may send to `pod`; None where no policy selects it, and everybody may."""
    namespace = pod["metadata"]["namespace"]
    ours = [
        policy["spec"]
        for policy in seen.policies.values()
        if policy["metadata"]["namespace"] == namespace and matches(policy["spec"].get("podSelector") or {}, pod)
    ]
    if not ours:
        return None
    peers = [peer for spec in ours for rule in spec.get("ingress") or [] for peer in rule["from"]]
    return {
        address
        for one in seen.pods.values()
        if one["metadata"]["namespace"] == namespace and any(matches(peer["podSelector"], one) for peer in peers)
        if (address := _address(one))
    }


def _address(pod: Object) -> str | None:
    """A pod's own address; None for one that has none, has the node's, or has ended."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    address: str | None = status.get("podIP")
    return address


def rules(node: str, seen: Seen) -> str:
    """Both tables as nft reads them, for the pods of one node."""
    limited: dict[str, set[str]] = {}
    for pod in seen.pods.values():
        if pod["spec"].get("nodeName") == node and (address := _address(pod)):
            who = allowed(pod, seen)
            if who is not None:
                limited[address] = who
    chains = "".join(_chain(address, who) for address, who in sorted(limited.items()))
    routed = "".join(f"    ip daddr {address} goto {_name(address)}\n" for address in sorted(limited))
    bridged = "".join(
        f"    ip daddr {address} tcp flags & (syn | ack) == syn goto {_name(address)}\n"
        f"    ip daddr {address} meta l4proto != tcp goto {_name(address)}\n"
        for address in sorted(limited)
    )
    return _table("ip", chains, f"    ct state established,related accept\n{routed}") + _table(
        "bridge", chains, bridged
    )


def _name(address: str) -> str:
    return f"to-{address.replace('.', '-')}"


def _chain(address: str, who: set[str]) -> str:
    accept = f"    ip saddr {{ {', '.join(sorted(who))} }} accept\n" if who else ""
    return f"  chain {_name(address)} {{\n{accept}    drop\n  }}\n"


def _table(family: str, chains: str, entries: str) -> str:
    hook = "    type filter hook forward priority filter; policy accept;\n"
    name = f"table {family} {TABLE}"
    return f"{name}\ndelete {name}\n{name} {{\n{chains}  chain forward {{\n{hook}{entries}  }}\n}}\n"


class Enforcer:
    """Keeps both tables equal to what the API says."""

    def __init__(self, client: Api, node: str) -> None:
        self.client, self.node = client, node
        self.seen, self.applied, self.lock = Seen(), "", threading.Lock()
        self.listed: set[str] = set()
        self.ready = threading.Event()

    def start(self) -> None:
        """Follow the API in threads of its own, and return when the first tables are loaded."""
        paths = {
            "pods": "/api/v1/pods",
            "policies": "/apis/networking.k8s.io/v1/networkpolicies",
        }
        for name, path in paths.items():
            threading.Thread(target=follow, args=(self.client, path, self._taker(name)), daemon=True).start()
        self.ready.wait()

    def _taker(self, name: str) -> Any:
        def take(objects: dict[str, Object]) -> None:
            with self.lock:
                setattr(self.seen, name, dict(objects))
                self.listed.add(name)
                if self.listed == {"pods", "policies"}:
                    self._apply()

        return take

    def _apply(self) -> None:
        wanted = rules(self.node, self.seen)
        if wanted != self.applied:
            done = subprocess.run(["nft", "-f", "-"], input=wanted, capture_output=True, text=True, check=False)
            if done.returncode:
                say(f"calico: nft refused the policies: {done.stderr.strip()}")
                return
            self.applied = wanted
        self.ready.set()
