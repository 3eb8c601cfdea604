"""A container's environment: what the pod says, expanded, and a refusal for what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.node.environment import ContainerConfigError, command, environment, expanded

POD: dict[str, Any] = {
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "uid": "u-1",
    },
    "spec": {"serviceAccountName": "robot"},
}
FACTS = {"podIP": "10.244.1.2", "hostIP": "10.1.0.13", "nodeName": "w1", "hostname": "web-1"}
OBJECTS = {
    ("configmaps", "default", "settings"): {"kind": "ConfigMap", "data": {"mode": "fast"}},
}


def fetch(kind: str, namespace: str, name: str) -> dict[str, Any]:
    return OBJECTS[kind, namespace, name]


def made(*env: dict[str, Any], **container: Any) -> dict[str, str]:
    return environment(POD, {"name": "c", "env": list(env), **container}, "10.96.0.1:443", fetch, FACTS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.nodeName", "w1"),
        ("status.podIP", "10.244.1.2"),
        ("status.hostIP", "10.1.0.13"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u-1"),
        ("spec.serviceAccountName", "robot"),
    ],
)
def test_a_field_of_the_pod(path: str, value: str) -> None:
    assert made({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}})["X"] == value


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ContainerConfigError, match="unsupported fieldPath"):
        made({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.nonsense"}}})


def test_a_value_of_a_config_map() -> None:
    values = made({"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}})
    assert values["MODE"] == "fast"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"name": "gone", "key": "x"}, 'configmap "gone" not found'),
        ({"name": "settings", "key": "x"}, "couldn't find key x"),
    ],
)
def test_what_is_missing_is_refused(reference: dict[str, Any], message: str) -> None:
    with pytest.raises(ContainerConfigError, match=message):
        made({"name": "X", "valueFrom": {"configMapKeyRef": reference}})


def test_references_are_expanded_in_order_and_unknown_ones_stay() -> None:
    values = made({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)$$(A)"}, {"name": "C", "value": "3"})
    assert values["B"] == "1$(C)$(A)"


def test_the_api_is_in_every_environment() -> None:
    values = made()
    assert (values["KUBERNETES_SERVICE_HOST"], values["KUBERNETES_SERVICE_PORT"]) == ("10.96.0.1", "443")


def test_a_container_without_a_command_runs_its_image() -> None:
    image = Path("/usr/lib/rehearsal/images/coredns")
    assert command({"args": ["-x", "$(A)"]}, image, {"A": "1"}) == ["/usr/lib/rehearsal/images/coredns/run", "-x", "1"]
    assert command({"command": ["/bin/sh", "-c", "true"]}, image, {}) == ["/bin/sh", "-c", "true"]


def test_shell_variables_are_the_shells() -> None:
    assert expanded("echo $NODE_NAME ${X}", {"NODE_NAME": "w1"}) == "echo $NODE_NAME ${X}"
