"""admin.conf is an administrator's only once `init` has bound its group, and init waits for that in its own time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.kubernetes.kubeadm import administrator, init
from rehearsal.kubernetes.kubeadm.config import load_init
from rehearsal.kubernetes.kubeadm.output import CommandError
from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import ApiError, UnreachableError
from rehearsal.tests.unit.kubeadm.conftest import INIT

FORBIDDEN = ApiError(403, "Forbidden", "cannot create")
THERE = ApiError(409, "AlreadyExists", "already exists")


class Answering:
    """An API server that answers each login's requests from a list; the last answer stays."""

    def __init__(self, **answers: list[Exception | None]) -> None:
        self.answers = answers
        self.made: list[tuple[str, str]] = []

    def login(self, path: str, *_: Any, **__: Any) -> Any:
        name = path.rpartition("/")[2].removesuffix(".conf").replace("-", "_")
        outer = self

        class Api:
            def create(self, path: str, body: Any) -> None:
                answers = outer.answers[name]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer:
                    raise answer
                outer.made.append((name, body["metadata"]["name"]))

        return Api()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answering]:
    def make(**answers: list[Exception | None]) -> Answering:
        api = Answering(**answers)
        monkeypatch.setattr(kubeconfig, "login", api.login)
        monkeypatch.setattr(administrator, "RETRY_S", 0.01)
        return api

    return make


def test_the_group_is_bound_with_super_admin_once_the_api_is_there(answering: Callable[..., Answering]) -> None:
    api = answering(admin=[UnreachableError("refused"), FORBIDDEN], super_admin=[None])
    administrator.ensure(5)
    assert api.made == [("super_admin", "kubeadm:cluster-admins")]


def test_a_binding_that_is_there_is_left_as_it_is(answering: Callable[..., Answering]) -> None:
    api = answering(admin=[THERE], super_admin=[FORBIDDEN])
    administrator.ensure(5)
    assert api.made == []


def test_an_api_that_does_not_come_ends_init_in_kubeadms_words(answering: Callable[..., Answering]) -> None:
    answering(admin=[UnreachableError("refused")], super_admin=[UnreachableError("refused")])
    with pytest.raises(CommandError) as caught:
        administrator.ensure(0.1)
    assert str(caught.value) == (
        "error execution phase wait-control-plane: cannot obtain client without bootstrap: could not bootstrap the "
        "admin user in file admin.conf: unable to create ClusterRoleBinding: client rate limiter Wait returned an "
        "error: context deadline exceeded"
    )


@pytest.mark.parametrize(("written", "expected"), [("", 60.0), ("timeouts: {kubernetesAPICall: 4m0s}\n", 240.0)])
def test_init_waits_for_it_as_long_as_calls_of_the_api_may_take(
    written: str, expected: float, monkeypatch: pytest.MonkeyPatch, root: Any
) -> None:
    file = root / "etc/kubernetes/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(INIT.replace("nodeRegistration:", f"{written}nodeRegistration:", 1))
    asked: list[float] = []

    def ensure(limit_s: float) -> None:
        asked.append(limit_s)
        raise CommandError("enough")

    monkeypatch.setattr(administrator, "ensure", ensure)
    with pytest.raises(CommandError, match="enough"):
        init.wait_control_plane(load_init("/etc/kubernetes/config.yaml"))
    assert asked == [expected]


def test_a_phase_that_there_is_none_of_is_no_phase_to_skip(written: Callable[[str], str]) -> None:
    with pytest.raises(CommandError, match="invalid phase name: preflights"):
        init.run(written(INIT), ["preflights"])
