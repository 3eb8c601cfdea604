"""Who answers in the name of a source of packages or images must prove it: else nothing of his is passed on or kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubernetes.node import x509
from tests.contracts.bash.conftest import BUNDLE

DAY = timedelta(days=1)
NAME = "packages.example"

PATH = "kubernetes/v1.36/rpm/repodata/repomd.xml.key"
# Names are looked up at a server of the test's own: every one of .example is this machine.
NAMES = "dnsmasq --port=5353 --listen-address=127.0.0.1 --bind-interfaces --no-resolv --address=/example/127.0.0.1"


def serve(sandbox: Any, source: str, *servers: str) -> None:
    """nginx as rendered, for a lab whose Kubernetes packages come from `source`; and the servers that it meets."""
    configuration = sandbox.shell("cat /opt/lab/scripts/files/nginx.conf").stdout
    asked = next(line for line in configuration.splitlines() if line.strip().startswith("resolver "))
    configuration = configuration.replace(asked, "resolver 127.0.0.1:5353 ipv6=off;")
    double = Path(__file__).with_name("source.py").read_text(encoding="utf-8")
    sandbox.put(
        {
            "/tmp/source.py": double,
            "/opt/lab/scripts/files/nginx.conf": configuration.replace("http://127.0.0.1:8098", source),
        }
    )
    sandbox.shell(NAMES)
    for server in servers:
        sandbox.shell(f"(setsid python3 /tmp/source.py {server} &) > /dev/null 2>&1 < /dev/null")
        port = server.split()[0]
        sandbox.shell(
            f"for i in $(seq 50); do (: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null && exit 0; sleep 0.1; done; exit 1"
        )
    for script in ("pxe-packages.sh", "pxe-services.sh"):
        sandbox.script(script)


def fetched(sandbox: Any) -> str:
    """The status and text that a node gets for the key of Kubernetes' packages."""
    told = sandbox.shell(f"curl -s -w ' %{{http_code}}' http://10.190.86.11/packages/{PATH}", check=False)
    return str(told.stdout)


def certified(sandbox: Any, folder: str, name: str, *, trusted: bool) -> None:
    """Put a certificate for `name` into a folder, by an authority that the machine trusts or does not."""
    authority = x509.authority("test authority", DAY)
    pair = x509.issue(authority, x509.name(name), DAY, server=True, names=[name])
    known = authority if trusted else x509.authority("another authority", DAY)
    sandbox.put(
        {
            f"{folder}/tls.pem": (pair.certificate_pem + pair.key_pem).decode(),
            BUNDLE: known.certificate_pem.decode(),
        }
    )


def test_a_source_with_a_certificate_for_its_name_is_passed_on(sandbox: Any) -> None:
    certified(sandbox, "/tmp/right", NAME, trusted=True)
    serve(sandbox, f"https://{NAME}:8443", "8443 /tmp/right")
    assert fetched(sandbox) == "a package 200"


@pytest.mark.parametrize(
    ("name", "trusted"),
    [(NAME, False), ("elsewhere.example", True)],
    ids=["of an authority that nobody trusts", "for another name"],
)
def test_a_certificate_that_proves_nothing_ends_the_request(sandbox: Any, name: str, trusted: bool) -> None:
    certified(sandbox, "/tmp/forged", name, trusted=trusted)
    serve(sandbox, f"https://{NAME}:8443", "8443 /tmp/forged")
    assert fetched(sandbox).endswith(" 502")
    assert sandbox.shell("find /var/cache/lab/packages -type f").stdout == ""


def test_the_place_that_a_source_sends_to_must_prove_itself_too(sandbox: Any) -> None:
    certified(sandbox, "/tmp/forged", "mirror.example", trusted=False)
    serve(sandbox, "http://127.0.0.1:8098", "8098 to https://mirror.example:8443", "8443 /tmp/forged")
    assert fetched(sandbox).endswith(" 502")
    assert sandbox.shell("find /var/cache/lab/packages -type f").stdout == ""


def test_the_place_that_a_source_sends_to_may_be_another_with_a_certificate(sandbox: Any) -> None:
    certified(sandbox, "/tmp/right", "mirror.example", trusted=True)
    serve(sandbox, "http://127.0.0.1:8098", "8098 to https://mirror.example:8443", "8443 /tmp/right")
    assert fetched(sandbox) == "a package 200"


def test_a_source_that_proved_itself_sends_to_nobody_who_cannot(sandbox: Any) -> None:
    certified(sandbox, "/tmp/right", NAME, trusted=True)
    serve(sandbox, f"https://{NAME}:8443", "8443 /tmp/right to http://127.0.0.1:8097", "8097")
    assert fetched(sandbox).endswith(" 502")
    assert sandbox.shell("find /var/cache/lab/packages -type f").stdout == ""
