"""nginx as rendered before registries that behave as the public ones do: what a node gets, and what is kept for it."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.pxe import images, prefetch
from rehearsal.kubernetes import manifests
from tests.contracts.bash import registry as registry_double
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
STRANGE = "quay.io/acme/shop:1"  # none of the lab's images
KINDS_OF_CONTENTS = ("blobs", "blobs", "manifests", "manifests")
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
            f"curl -s {words} {own} {told} {shlex.quote(url(path))} > /tmp/answer{number} 2>&1 &"
            for number, path in enumerate(paths)
        ]
        show = f"for n in $(seq 0 {len(paths) - 1}); do cat /tmp/answer$n; printf '\\0'; done"
        texts = self.box.shell(f"{' '.join(curls)} wait; {show}", check=False).stdout
        return [_answer(text) for text in texts.split("\0")[:-1]]

    def one(self, path: str, *headers: str) -> Answer:
        return self.ask(path, headers=headers)[0]

    def does(self, repositories: str, mood: str) -> None:
        """From now on such repositories' registry does that: a word of registry.py."""
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
        changes += [
            r"s|http://192.0.2.1/containerd[^;]*/|http://127.0.0.1:8098/|",
            r"s|^ *resolver .*|  resolver 127.0.0.1:5353 ipv6=off;|",
            "s|200 1h;|200 1s;|",
        ]
        box.shell(f"sed -i {' '.join(f'-e {shlex.quote(change)}' for change in changes)} {NGINX}; {NAMES}")
        box.start("registry.py", "8097")
        box.start("source.py", "8098")
        box.put(ahead(served_lab))
        box.scripts("pxe-packages.sh", "pxe-services.sh")
        yield Mirror(box)


def ahead(lab: Lab) -> dict[str, str]:
    """What is to be fetched ahead, and the manifests with their sums, where the sandbox's web server has them."""
    folder = "/tmp/tree/manifests"
    texts = {f"{folder}/{path}": text for path, text in manifests.tree().items()}
    sums = {f"{path}.sha256": f"{hashlib.sha256(text).hexdigest()}  manifest\n" for path, text in texts.items()}
    settings = prefetch.settings(lab) | {"manifests_url": "http://127.0.0.1:8099/manifests"}
    settings["images"].append(STRANGE)
    return {path: text.decode() for path, text in texts.items()} | sums | {prefetch.SETTINGS: json.dumps(settings)}


def test_a_blob_behind_two_redirects_with_a_long_signature_is_kept(mirror: Mirror) -> None:
    path = f"coredns/coredns/{blob('2')}?registry.k8s.io"
    assert [answer.body for answer in mirror.ask(path)] == ["layer"]
    assert len(mirror.asked()) == 3
    assert mirror.one(path).body == "layer"
    assert mirror.asked() == []
    assert mirror.log() == [("200", "MISS"), ("200", "HIT")]


# Asked for twice: whether its registry is asked the second time as well.
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


def fetched_ahead(mirror: Mirror) -> dict[str, Any]:
    """What the bootstrap server's script says once it has ended."""
    mirror.box.script(f"prefetch.py {prefetch.SETTINGS} {prefetch.REPORT}")
    report: dict[str, Any] = json.loads(mirror.box.shell(f"cat {prefetch.REPORT}").stdout)
    return report


def tag(image: str) -> str:
    """How an image is asked for: `docker.io/library/nginx:1.29`."""
    registry, _, rest = image.partition("/")
    return f"{rest.replace(':', '/manifests/')}?{registry}"


def contents(image: str) -> list[str]:
    """The same for its index, its manifest, its configuration and its layer, by their digests."""
    registry, _, rest = image.partition("/")
    name = rest.partition(":")[0]
    digests = list(registry_double.image(name))
    return [f"{name}/{kind}/{one}?{registry}" for kind, one in zip(KINDS_OF_CONTENTS, digests, strict=True)]


def test_what_was_fetched_ahead_is_served_with_everything_away_and_no_node_waits_for_another(
    mirror: Mirror, served_lab: Lab
) -> None:
    report = fetched_ahead(mirror)
    not_kept = {STRANGE: "it is passed on and not kept: labkit/pxe/images.py does not name it"}
    assert (report["failed"], report["ended"]) == (not_kept, True)
    assert sorted([*report["kept"], STRANGE]) == sorted(report["wanted"])
    found = [name for name in report["kept"] if name.partition("/")[0] in images.REGISTRIES]
    assert sorted(image.partition(":")[0] for image in found) == images.repositories(served_lab)
    mirror.asked()
    assert fetched_ahead(mirror)["failed"] == not_kept
    assert [line for line in mirror.asked() if "sha256:" in line] == []

    # Then a name server and a registry say nothing, the others refuse, and two nodes want a blob that comes slowly.
    for repositories, mood in (("all", "429"), ("metallb", "silent"), ("kube-proxy", "halves")):
        mirror.does(repositories, mood)
    mirror.box.shell("pkill -STOP dnsmasq; sleep 2.1")
    mirror.box.shell("(setsid sh -c 'sleep 10; touch /tmp/store/go' &) > /dev/null 2>&1 < /dev/null")
    mirror.log()
    slow = f"kube-proxy/{blob('3')}?registry.k8s.io"
    lasting = [path for image in found for path in contents(image)]
    try:
        answers = mirror.ask(slow, slow, *map(tag, found), headers=(f"Accept: {ALL_KINDS}",))
        answers += mirror.ask(*lasting)
    finally:
        mirror.box.shell("pkill -CONT dnsmasq")
    assert {answer.status for answer in answers} == {200}
    assert [answer.body for answer in answers[:2]] == ["layer"] * 2
    assert max(answer.first_byte_s for answer in answers) < 12, answers
    assert sorted(answer.first_byte_s for answer in answers[:2])[1] < 10, answers
    sources = Counter(source for _, source in mirror.log())
    assert sources == {"MISS": 2, "STALE": len(found), "HIT": len(lasting)}
