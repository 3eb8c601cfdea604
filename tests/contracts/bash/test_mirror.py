"""nginx as rendered before registries that behave as the public ones do: what a node gets, and what is kept for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from labkit.description.lab import Lab
from labkit.pxe import images
from tests.contracts.bash.conftest import NGINX, Sandbox, opened

MIRROR = "http://10.190.86.11/images/v2"
# containerd's question for a tag, and one of a client that knows a single kind.
ALL_KINDS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2", "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1", "oci.image.index.v1",
    )
) + ", */*"  # fmt: skip
ONE_KIND = "application/vnd.docker.distribution.manifest.v2+json"
TOKEN, PASSWORD = "Authorization: Bearer pass", "Authorization: Basic dTpw"
# The name server that nginx asks: every name of .example is this machine.
NAMES = "dnsmasq --port=5353 --listen-address=127.0.0.1 --bind-interfaces --no-resolv --address=/example/127.0.0.1"


@dataclass
class Answer:
    status: int
    body: str
    first_byte_s: float


@dataclass
class Mirror:
    """The bootstrap server's nginx with everything that it meets."""

    box: Sandbox
    read: int = field(default=0)  # lines of nginx's log that a test has seen

    def ask(self, *paths: str, headers: tuple[str, ...] = (), words: str = "") -> list[Answer]:
        """What nginx answers, to all at the same time; `FIRST/REST?REGISTRY`, or a path that begins with a slash."""
        own = " ".join(f"-H {shlex.quote(header)}" for header in headers)
        told = "-w '\\n%{http_code} %{time_starttransfer}' --max-time 45"
        curls = [
            f"curl -s {words} {own} {told} {shlex.quote(url(path))} > /tmp/answer{number} 2>&1 & sleep 0.3;"
            for number, path in enumerate(paths)
        ]
        show = f"for n in $(seq 0 {len(paths) - 1}); do cat /tmp/answer$n; printf '\\0'; done"
        texts = self.box.shell(f"{''.join(curls).removesuffix(' sleep 0.3;')} wait; {show}", check=False).stdout
        return [_answer(text) for text in texts.split("\0")[:-1]]

    def one(self, path: str, *headers: str) -> Answer:
        return self.ask(path, headers=headers)[0]

    def does(self, repositories: str, mood: str) -> None:
        """From now on such repositories' registry does that: `429`, `silent`, or '' for what it should."""
        self.box.shell(f"mkdir -p /tmp/store; echo {mood} > /tmp/store/{repositories}")

    def asked(self) -> list[str]:
        """What registries were asked since the last look."""
        return self.box.shell("cat /tmp/store/asked 2>/dev/null; rm -f /tmp/store/asked").stdout.splitlines()

    def log(self) -> list[tuple[str, str]]:
        """Status and source of each answer since the last look: MISS, HIT, STALE, or nothing."""
        lines = self.box.shell("cat /var/log/nginx/packages.log").stdout.splitlines()
        rows = [json.loads(line) for line in lines[self.read :]]
        self.read = len(lines)
        return [(str(row["status"]), row["cache"]) for row in rows]


def url(path: str) -> str:
    if path.startswith("/"):
        return MIRROR.removesuffix("/images/v2") + path
    name, _, registry = path.partition("?")
    return f"{MIRROR}/{name}?ns={registry}"


def _answer(text: str) -> Answer:
    body, _, told = text.rpartition("\n")
    status, first = told.split()
    return Answer(int(status), body, float(first))


def blob(digit: str) -> str:
    return f"blobs/sha256:{digit * 64}"


@pytest.fixture(scope="module")
def mirror(served_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """Everything but what never changes is asked about again after a second, not an hour."""
    with opened(served_lab, tmp_path_factory.mktemp("mirror")) as box:
        named = {"docker.io": "http://hub.example:8097"}
        changes = [f"s|{true}|{named.get(name, 'http://127.0.0.1:8097')}|" for name, true in images.REGISTRIES.items()]
        changes += [r"s|^ *resolver .*|  resolver 127.0.0.1:5353 ipv6=off;|", "s|200 1h;|200 1s;|"]
        box.shell(f"sed -i {' '.join(f'-e {shlex.quote(change)}' for change in changes)} {NGINX}; {NAMES}")
        box.start("registry.py", "8097")
        box.start("source.py", "8098")
        box.scripts("pxe-packages.sh", "pxe-services.sh")
        yield Mirror(box)


def test_a_blob_behind_two_redirects_with_a_long_signature_is_kept(mirror: Mirror) -> None:
    path = f"coredns/coredns/{blob('2')}?registry.k8s.io"
    assert [answer.body for answer in mirror.ask(path)] == ["layer"]
    assert len(mirror.asked()) == 3
    assert mirror.one(path).body == "layer"
    assert mirror.asked() == []
    assert mirror.log() == [("200", "MISS"), ("200", "HIT")]


# Asked for twice: what registries are asked the second time, by the method and path that they get.
@pytest.mark.parametrize(
    ("path", "headers", "again"),
    [
        pytest.param(f"calico/node/manifests/sha256:{'1' * 64}?quay.io", (), False, id="a digest of the list"),
        pytest.param("acme/shop/manifests/v1?quay.io", (), True, id="an image that is not of the list"),
        pytest.param(f"calico/node-evil/{blob('6')}?quay.io", (), True, id="a name that begins like one of the list"),
        pytest.param(f"calico/cni/{blob('7')}?quay.io", (PASSWORD,), True, id="an answer to somebody's own password"),
        pytest.param(f"library/nginx/{blob('8')}?docker.io", (TOKEN,), False, id="an answer to a registry's token"),
    ],
)
def test_what_is_kept_for_others_is_what_the_lab_is_made_of(
    mirror: Mirror, path: str, headers: tuple[str, ...], again: bool
) -> None:
    first = mirror.one(path, *headers)
    assert first.status == 200
    assert mirror.asked() != []
    assert mirror.one(path, *headers).status == 200
    assert bool(mirror.asked()) == again


def test_each_is_answered_in_a_kind_that_it_accepts(mirror: Mirror) -> None:
    tag = "calico/kube-controllers/manifests/v1?quay.io"
    assert mirror.one(tag, f"Accept: {ONE_KIND}").body == ONE_KIND
    assert mirror.one(tag, f"Accept: {ALL_KINDS}").body == ALL_KINDS
    assert mirror.one(tag, f"Accept: */*, {ALL_KINDS.removesuffix(', */*')}").body == ALL_KINDS


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_methods_that_change_something_reach_no_registry(mirror: Mirror, method: str) -> None:
    mirror.asked()
    answers = mirror.ask("calico/node/manifests/v1?quay.io", "/packages/kubernetes/x.rpm", words=f"-X {method}")
    assert [answer.status for answer in answers] == [405, 405]
    assert mirror.asked() == []


def test_a_path_with_a_blank_or_a_line_end_reaches_no_registry(mirror: Mirror) -> None:
    mirror.asked()
    for path in ("calico/node/manifests/v1%20HTTP/1.1?quay.io", "calico/node/manifests/v1%0Dx?quay.io"):
        assert mirror.one(path).status == 404
    assert mirror.asked() == []


def test_no_node_waits_longer_than_containerd_does_and_what_is_kept_is_served(mirror: Mirror) -> None:
    # All at once: a blob that another node fetches already; a name server and a registry that say nothing; one that is
    # full; and what never changes, long after.
    slow = f"kube-proxy/{blob('3')}?registry.k8s.io"
    names = "library/busybox/manifests/1?docker.io"
    away, full = "metallb/speaker/manifests/v1?quay.io", "sig-storage/nfsplugin/manifests/v1?registry.k8s.io"
    digest = f"library/busybox/{blob('4')}?docker.io"
    assert {answer.status for answer in mirror.ask(away, full, names, digest, headers=(TOKEN,))} == {200}
    mirror.does("metallb", "silent")
    mirror.does("sig-storage", "429")
    mirror.box.shell("pkill -STOP dnsmasq; sleep 1.1")
    mirror.box.shell("(setsid sh -c 'sleep 10; touch /tmp/store/go' &) > /dev/null 2>&1 < /dev/null")
    mirror.log()
    try:
        answers = mirror.ask(slow, slow, names, away, full, digest, headers=(TOKEN,))
    finally:
        mirror.box.shell("pkill -CONT dnsmasq")
    assert [answer.status for answer in answers] == [200] * 6
    assert [answer.body for answer in answers[:2]] == ["layerlayer"] * 2
    assert answers[1].first_byte_s < 10, answers
    assert max(answer.first_byte_s for answer in answers) < 12, answers
    assert sorted(source for _, source in mirror.log()) == ["HIT", "MISS", "MISS", "STALE", "STALE", "STALE"]
