"""NetworkPolicy as Calico's agent enforces it, for what comes in: packets to this node's pods pass nftables or do not.

Two tables hold the same rules. `ip` sees what is routed here from other nodes and from outside; `bridge` sees what this
node's pods send each other, without connection tracking, so that there an answer is told by its TCP flags. Policies
for what goes out (Egress), and ports by name, are not enforced, and the log says so.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rehearsal.kubernetes.node.api import Api

from .incluster import follow, say

Object = dict[str, Any]
TABLE = "calico-policy"
EVERYONE = "0.0.0.0/0"


@dataclass(frozen=True)
class Allowed:
    """Who may send to a pod: addresses or ranges, without others; `ports` as `tcp 80`, none: all."""

    sources: tuple[str, ...]
    excepted: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


@dataclass
class Seen:
    """The cluster's policies, pods and namespaces, each by its key."""

    policies: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, Object] = field(default_factory=dict)
    namespaces: dict[str, Object] = field(default_factory=dict)


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector selects these labels; an empty one selects everything."""
    tests = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(
        tests[one["operator"]](one["key"], one.get("values") or []) for one in selector.get("matchExpressions") or []
    )


def allowed(pod: Object, seen: Seen) -> list[Allowed] | None:
    """Who may send to `pod`; None where no policy selects it, and everybody may."""
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    ours = [
        policy["spec"]
        for policy in seen.policies.values()
        if policy["metadata"]["namespace"] == namespace
        and "Ingress" in (policy["spec"].get("policyTypes") or ["Ingress"])
        and matches(policy["spec"].get("podSelector") or {}, labels)
    ]
    if not ours:
        return None
    return [one for spec in ours for rule in spec.get("ingress") or [] for one in _of_rule(rule, namespace, seen)]


def _of_rule(rule: Object, namespace: str, seen: Seen) -> Iterator[Allowed]:
    given = rule.get("ports") or []
    ports = tuple(f"{port.get('protocol', 'TCP').lower()} {port['port']}" for port in given if _is_number(port))
    if given and not ports:
        return
    if not rule.get("from"):
        yield Allowed((EVERYONE,), ports=ports)
    for peer in rule.get("from") or []:
        if block := peer.get("ipBlock"):
            yield Allowed((block["cidr"],), tuple(block.get("except") or ()), ports)
        elif sources := tuple(sorted(_addresses(peer, namespace, seen))):
            yield Allowed(sources, ports=ports)


def _is_number(port: Object) -> bool:
    return isinstance(port.get("port"), int)


def _addresses(peer: Object, namespace: str, seen: Seen) -> Iterator[str]:
    """The addresses of the pods that a peer selects: of the policy's namespace unless it selects namespaces too."""
    spaces = {namespace}
    if "namespaceSelector" in peer:
        spaces = {
            space["metadata"]["name"]
            for space in seen.namespaces.values()
            if matches(peer["namespaceSelector"] or {}, space["metadata"].get("labels") or {})
        }
    for pod in seen.pods.values():
        selected = matches(peer.get("podSelector") or {}, pod["metadata"].get("labels") or {})
        if pod["metadata"]["namespace"] in spaces and selected and (address := _address(pod)):
            yield address


def _address(pod: Object) -> str | None:
    """A pod's own address; None for one that has none, has the node's, or has ended."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    address: str | None = status.get("podIP")
    return address


def rules(node: str, seen: Seen) -> str:
    """Both tables as nft reads them, for the pods of one node."""
    limited: dict[str, list[Allowed]] = {}
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


def _chain(address: str, who: Iterable[Allowed]) -> str:
    accepts = "".join(
        f"    ip saddr {{ {', '.join(one.sources)} }} {_excepting(one)}{port}accept\n"
        for one in who
        for port in (*(f"{written.replace(' ', ' dport ')} " for written in one.ports),) or ("",)
    )
    return f"  chain {_name(address)} {{\n{accepts}    drop\n  }}\n"


def _excepting(one: Allowed) -> str:
    return f"ip saddr != {{ {', '.join(one.excepted)} }} " if one.excepted else ""


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
            "namespaces": "/api/v1/namespaces",
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
                if len(self.listed) == len(("namespaces", "pods", "policies")):
                    self._apply()

        return take

    def _apply(self) -> None:
        for text in sorted(unenforced(self.seen.policies)):
            say(text)
        wanted = rules(self.node, self.seen)
        if wanted != self.applied:
            done = subprocess.run(["nft", "-f", "-"], input=wanted, capture_output=True, text=True, check=False)
            if done.returncode:
                say(f"calico: nft refused the policies: {done.stderr.strip()}")
                return
            self.applied = wanted
        self.ready.set()


def unenforced(policies: dict[str, Object]) -> set[str]:
    """A sentence about each policy that asks for more than is enforced here."""
    found = set()
    for key, policy in policies.items():
        spec = policy["spec"]
        if "Egress" in (spec.get("policyTypes") or []) or spec.get("egress"):
            found.add(f"calico: stand-in: Egress of the NetworkPolicy {key} is not enforced")
        if any(not _is_number(port) for rule in spec.get("ingress") or [] for port in rule.get("ports") or []):
            found.add(f"calico: stand-in: ports by name of the NetworkPolicy {key} let nothing in")
    return found
