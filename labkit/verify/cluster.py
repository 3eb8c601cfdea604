"""What the checks ask of the cluster: kubectl on the control plane, and a namespace that goes when they end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import Any

from labkit.description.lab import Machine
from labkit.errors import LabError
from labkit.k8s import kubectl
from labkit.k8s.ask import ask
from labkit.k8s.facts import nodes
from labkit.session import Session
from labkit.verify.rows import Row, passed_if

ACCOUNT_TIMEOUT_S = 60  # a controller manager that was killed is followed by another after 15 s (its Lease)
REMOVAL_TIMEOUT_S = 90
POLL_S = 1.0
NO_NETWORK = "NetworkPluginNotReady"  # in the kubelet's reason for not being Ready


@dataclass
class Clock:
    """How long a check may wait; tests put a clock of their own here."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Cluster:
    """The cluster as one verification sees it, and the namespace made for it."""

    session: Session
    clock: Clock = field(default_factory=Clock)
    namespace: str = field(default_factory=lambda: f"lab-verify-{secrets.token_hex(3)}")
    stores_on: Machine | None = None  # the machine that keeps a folder of the namespace, once a check has stored there
    stopped: Event = field(default_factory=Event)  # set by Ctrl-C: whoever waits gives up

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = kubectl.TIMEOUT_S) -> str:
        """Run kubectl as the cluster's administrator; LabError when it fails."""
        return kubectl.run(self.session, *arguments, stdin=stdin, timeout_s=timeout_s)

    def read(self, *arguments: str) -> dict[str, Any]:
        """What `kubectl get ...` answers, as data."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return answer

    @cached_property
    def lacks_network(self) -> str | None:
        """Why nothing that needs a pod network can be proven yet, where the user installs it; None where one works."""
        if self.session.lab.kubernetes.cni != "none":
            return None
        found = nodes(self.read("nodes"))
        if not found or not all(NO_NETWORK in node.reason for node in found):
            return None
        return "kubernetes.cni is none, and no pod network is installed yet"

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """One object of the verification's own namespace."""
        return self.read("--namespace", self.namespace, kind, name)

    def mine(self, *arguments: str) -> list[dict[str, Any]]:
        """Objects of the verification's own namespace."""
        items: list[dict[str, Any]] = self.read("--namespace", self.namespace, *arguments)["items"]
        return items

    def apply(self, *objects: dict[str, Any]) -> None:
        """Make objects in the verification's own namespace."""
        for made in objects:
            made["metadata"]["namespace"] = self.namespace
        self._apply(*objects)

    def _apply(self, *objects: dict[str, Any]) -> None:
        # One document a line, not one List: for a List kubectl leaves the server's validation for its own, older one.
        documents = "".join(json.dumps(made) + "\n" for made in objects)
        self.kubectl("apply", "--server-side", "--filename=-", stdin=documents)

    def until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Look once a second until `done`; whether that came about within `timeout_s`. Looks at least once."""
        end = self.clock.now() + timeout_s
        while not done():
            if self.clock.now() >= end or self.stopped.is_set():
                return False
            self.clock.sleep(POLL_S)
        return True

    def tail(self, *arguments: str, lines: int = 20) -> str:
        """The end of what kubectl says, for a failed row; its own failure is part of the story."""
        try:
            said = self.kubectl(*arguments)
        except LabError as error:
            said = error.problem
        return "\n".join(said.splitlines()[-lines:])

    @contextmanager
    def own_namespace(self, rows: list[Row]) -> Iterator[None]:
        """Make the namespace, and remove it with all that is in it whatever happens; adds a row about the removal.

        A pod is refused until a controller has put the account `default` there: rows say so if that never happens.
        """
        self._apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        try:
            self.until(self._has_account, ACCOUNT_TIMEOUT_S)
            yield
        finally:
            rows.append(self._remove())

    def _has_account(self) -> bool:
        return any(account["metadata"]["name"] == "default" for account in self.mine("serviceaccounts"))

    def _remove(self) -> Row:
        begin = self.clock.now()
        limit = f"--timeout={REMOVAL_TIMEOUT_S}s"
        name = "what verification made is gone"
        try:
            arguments = ("delete", "namespace", self.namespace, "--wait=true", limit)
            self.kubectl(*arguments, timeout_s=REMOVAL_TIMEOUT_S + kubectl.TIMEOUT_S)
        except LabError as error:
            return Row(name, "failed", f"namespace {self.namespace} is still there", detail=error.problem)
        if self.stores_on is None:
            return Row(name, passed_if(True), f"namespace {self.namespace} removed", self.clock.now() - begin)
        # A claim's folder outlives it, so that people find their data again; this one is nobody's.
        try:
            ask(self.session, [self.stores_on], "remove-verification.sh", lambda _: [self.namespace])
        except LabError as error:
            left = f"/srv/nfs/{self.namespace} is still on {self.stores_on.name}"
            return Row(name, "failed", left, detail=error.problem)
        removed = f"namespace {self.namespace} and its folder on {self.stores_on.name} removed"
        return Row(name, passed_if(True), removed, self.clock.now() - begin)
