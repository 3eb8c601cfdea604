"""kubectl's own commands send protobuf; the bytes here are built by hand, field by field."""

from __future__ import annotations

import base64

import pytest

from rehearsal.kubernetes.api.errors import ApiError
from rehearsal.kubernetes.api.protobuf import decode


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _body(api_version: str, kind: str, message: bytes) -> bytes:
    return b"k8s\x00" + _field(1, _field(1, api_version) + _field(2, kind)) + _field(2, message)


def test_a_deployment_keeps_zero_replicas_and_drops_what_was_not_set() -> None:
    container = _field(1, "c") + _field(2, "nginx") + _field(6, _field(3, 80)) + _field(8, b"")
    template = _field(1, _field(11, _field(1, "app") + _field(2, "d"))) + _field(2, _field(2, container))
    spec = _field(1, 0) + _field(3, template) + _field(5, 0)
    message = (
        _field(1, _field(1, "d") + _field(2, "") + _field(7, 0) + _field(8, b"")) + _field(2, spec) + _field(3, b"")
    )
    assert decode(_body("apps/v1", "Deployment", message)) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "replicas": 0,
            "template": {
                "metadata": {"labels": {"app": "d"}},
                "spec": {"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}]},
            },
        },
    }


def test_times_numbers_and_bytes_become_what_json_has() -> None:
    conditions = _field(1, "Approved") + _field(6, "True") + _field(4, _field(1, 1700000000))
    message = _field(2, _field(1, b"\x00\xff") + _field(8, 600)) + _field(3, _field(1, conditions))
    found = decode(_body("certificates.k8s.io/v1", "CertificateSigningRequest", message))
    assert found["spec"] == {"request": base64.b64encode(b"\x00\xff").decode(), "expirationSeconds": 600}
    assert found["status"]["conditions"][0]["lastUpdateTime"] == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_body("v1", "Unheard", b""), "Unheard is not known"),
        (_body("v1", "ConfigMap", _field(99, "x")), "field 99 of ConfigMap"),
        (_body("v1", "ConfigMap", b"\x0a"), "cut off"),
        (b"{}", "does not begin"),
    ],
)
def test_what_is_not_known_is_refused_by_name_and_never_dropped(body: bytes, words: str) -> None:
    with pytest.raises(ApiError, match=words) as refused:
        decode(body)
    assert refused.value.code == 415
