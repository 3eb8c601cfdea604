"""The rehearsal's lab is the delivered lab: it may differ in identity, addresses and sources, and in nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
MAY_DIFFER = {
    "lab.id",
    "lab.hosts.pc1.address",
    "lab.hosts.pc2.address",
    "lab.external.cidr",
    "lab.external.gateway",
    "lab.external.first_address",
    "lab.rocky.tree_url",
    "lab.sources.kubernetes_packages_url",
    "lab.sources.containerd_packages_url",
    "lab.sources.manifests_url",
    "lab.sources.python_index_url",
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def test_only_identity_addresses_and_sources_differ() -> None:
    delivered = dict(leaves(yaml.safe_load((ROOT / "invoke.yaml").read_text(encoding="utf-8"))))
    rehearsed = dict(leaves(yaml.safe_load((ROOT / "labs" / "rehearsal.yaml").read_text(encoding="utf-8"))))
    differing = {key for key in delivered.keys() | rehearsed.keys() if delivered.get(key) != rehearsed.get(key)}
    assert differing <= MAY_DIFFER
