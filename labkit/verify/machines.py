"""What the nodes say of themselves: their clocks agree, and none of their certificates is about to end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from labkit.errors import LabError
from labkit.k8s.ask import ask
from labkit.verify.cluster import Cluster
from labkit.verify.rows import Row, passed_if

LIMIT_S = 2.0  # tokens and Leases bear more; a lab whose chrony works has milliseconds
SHORTEST = timedelta(days=14)
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What one node said: its clock in seconds since 1970, its kernel's id, and when each of its certificates ends."""

    time: float
    kernel: str
    ends: dict[str, datetime]


def check(cluster: Cluster) -> list[Row]:
    """A row about the clocks and one about certificates, from one look at all nodes at once."""
    begin = cluster.clock.now()
    try:
        said = {name: parse(text) for name, text in ask(cluster.session, cluster.session.lab.nodes, "proof.sh").items()}
    except LabError as error:
        return [Row("clocks and certificates", "failed", error.problem, cluster.clock.now() - begin)]
    seconds = cluster.clock.now() - begin
    return [_clocks(said, seconds), _certificates(said, seconds)]


def parse(text: str) -> Said:
    """proof.sh's output: `time`, `kernel`, and for each `file` its certificates."""
    head, *files = text.split("\nfile ")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    ends = {}
    for part in files:
        name, _, body = part.partition("\n")
        found = [x509.load_pem_x509_certificate(pem.encode("ascii")) for pem in PEM.findall(body)]
        if found:
            ends[name] = min(certificate.not_valid_after_utc for certificate in found)
    return Said(float(facts["time"]), facts["kernel"], ends)


def _clocks(said: dict[str, Said], seconds: float) -> Row:
    """They are read at once: what they seem to be apart may be as long as the reading took, and the limit more."""
    name = "clocks agree"
    if len(said) > 1 and len({one.kernel for one in said.values()}) == 1:
        return Row(name, "not proven here", "the nodes share one kernel, and so one clock", seconds)
    first, last = (pick(said, key=lambda node: said[node].time) for pick in (min, max))
    apart = max(said[last].time - said[first].time - seconds, 0.0)
    if apart <= LIMIT_S:
        return Row(name, "ok", f"less than {apart + seconds:.1f} s apart", seconds)
    behind = f"{first} is {apart:.0f} s or more behind {last}"
    return Row(name, "failed", f"{behind}: `chronyc -n sources` on both, `inv k8s.prepare` repairs chrony", seconds)


def _certificates(said: dict[str, Said], seconds: float) -> Row:
    name = "certificates on the nodes"
    ends = sorted((end, node, file) for node, one in said.items() for file, end in one.ends.items())
    if not ends:
        return Row(name, "failed", "no node has any", seconds)
    latest = datetime.now(UTC) + SHORTEST
    soon = [f"{file} on {node} ends on {end:%Y-%m-%d}" for end, node, file in ends if end < latest]
    fix = "`kubeadm certs renew all` on the control plane; a kubelet renews its own while it runs"
    first = f"{len(ends)} are good until {ends[0][0]:%Y-%m-%d} or longer"
    return Row(name, passed_if(not soon), f"{'; '.join(soon)}: {fix}" if soon else first, seconds)
