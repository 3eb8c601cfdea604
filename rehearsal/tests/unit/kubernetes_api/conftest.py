"""The API's inside without sockets: a store in memory and the operations over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.kubernetes.api.admission import Admission
from rehearsal.kubernetes.api.allocation import Allocator
from rehearsal.kubernetes.api.authorization import Authorizer
from rehearsal.kubernetes.api.bootstrap import ensure_defaults
from rehearsal.kubernetes.api.exchange import Answer, Request
from rehearsal.kubernetes.api.handlers import Api
from rehearsal.kubernetes.api.identity import User
from rehearsal.kubernetes.api.objects import Obj
from rehearsal.kubernetes.api.operations import Operations
from rehearsal.kubernetes.api.resources import Registry
from rehearsal.kubernetes.api.store import Store

MASTER = User("admin", ("system:masters",))
Call = Callable[..., Any]


@pytest.fixture
def operations() -> Operations:
    store = Store()
    allocator = Allocator(store, "10.96.0.0/24", "30000-30010")
    operations = Operations(store, Registry(), Admission(store, allocator))
    ensure_defaults(operations, allocator.first_address, "192.0.2.10", 6443)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
    store.put(("", "serviceaccounts"), account)
    return operations


@pytest.fixture
def api(operations: Operations) -> Api:
    return Api(operations, Authorizer(operations.store), None, None, {"gitVersion": "v1.36.4"}, lambda: "")


@pytest.fixture
def call(api: Api) -> Call:
    """Send one request; the body of the answer. Refusals raise ApiError."""

    def send(
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "application/json",
        user: User = MASTER,
        **query: str,
    ) -> Obj:
        headers = {"content-type": content_type, "accept": query.pop("accept", "application/json")}
        answer: Answer = api.answer(Request(method, path, query, headers, body, user))
        found: Obj = answer.body
        return found

    return send
