"""Who answers in the name of a source of packages or images must prove it: else nothing of his is passed on or kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rehearsal.kubernetes.node import x509
from tests.contracts.bash.conftest import BUNDLE, NGINX

DAY = timedelta(days=1)
NAME = "packages.example"
HTTPS, HTTP = f"https://{NAME}:8443", "http://127.0.0.1:8098"
TLS, SENDS = "8443 /tmp/tls", "8098 to https://mirror.example:8443"
PATH = "kubernetes/v1.36/rpm/repodata/repomd.xml.key"
# Names are looked up at a server of the test's own: every one of .example is this machine.
NAMES = "dnsmasq --port=5353 --listen-address=127.0.0.1 --bind-interfaces --no-resolv --address=/example/127.0.0.1"


def serve(sandbox: Any, source: str, *servers: str) -> None:
    """nginx as rendered, for a lab whose Kubernetes packages come from `source`; and the servers that it meets."""
    resolver = "resolver 127.0.0.1:5353 ipv6=off;"
    sandbox.shell(f"sed -i 's|^ *resolver .*|{resolver}|; s|http://127.0.0.1:8098|{source}|' {NGINX}; {NAMES}")
    for server in servers:
        sandbox.start("source.py", server)
    sandbox.scripts("pxe-packages.sh", "pxe-services.sh")


def fetched(sandbox: Any) -> str:
    """The status and text that a node gets for the key of Kubernetes' packages."""
    told = sandbox.shell(f"curl -s -w ' %{{http_code}}' http://10.190.86.11/packages/{PATH}", check=False)
    return str(told.stdout)


def certified(sandbox: Any, name: str, *, trusted: bool) -> None:
    """Make a certificate for `name`, by an authority that the machine trusts or does not."""
    authority = x509.authority("test authority", DAY)
    pair = x509.issue(authority, x509.name(name), DAY, server=True, names=[name])
    known = authority if trusted else x509.authority("another authority", DAY)
    pem = (pair.certificate_pem + pair.key_pem).decode()
    sandbox.put({"/tmp/tls/tls.pem": pem, BUNDLE: known.certificate_pem.decode()})


@pytest.mark.parametrize(
    ("name", "source", "servers"),
    [(NAME, HTTPS, [TLS]), ("mirror.example", HTTP, [SENDS, TLS])],
    ids=["a source", "the place that a source sends to"],
)
def test_who_has_a_certificate_for_its_name_is_passed_on(
    sandbox: Any, name: str, source: str, servers: list[str]
) -> None:
    certified(sandbox, name, trusted=True)
    serve(sandbox, source, *servers)
    assert fetched(sandbox) == "a package 200"


@pytest.mark.parametrize(
    ("name", "trusted", "source", "servers"),
    [
        pytest.param(NAME, False, HTTPS, [TLS], id="an authority that nobody trusts"),
        pytest.param("elsewhere.example", True, HTTPS, [TLS], id="a certificate for another name"),
        pytest.param("mirror.example", False, HTTP, [SENDS, TLS], id="a source that sends to what proves nothing"),
        pytest.param(
            NAME, True, HTTPS, [f"{TLS} to http://127.0.0.1:8097", "8097"], id="one that proved itself and sends on"
        ),
    ],
)
def test_what_proves_nothing_ends_the_request_and_is_not_kept(
    sandbox: Any, name: str, trusted: bool, source: str, servers: list[str]
) -> None:
    certified(sandbox, name, trusted=trusted)
    serve(sandbox, source, *servers)
    assert fetched(sandbox).endswith(" 502")
    assert sandbox.shell("find /var/cache/lab/packages -type f").stdout == ""
