"""What is kept is counted, and how often it spared a fetch."""

from __future__ import annotations

from pathlib import Path

import yaml

from labkit.pxe.cache import Kept, parse, table
from labkit.pxe.prefetch import MANIFESTS

ROLE = Path(__file__).parents[3] / "ansible/roles/manifests/defaults/main.yml"

LOG = """\
packages 12 104857600
tree 0
manifests 5 300000
{"uri": "/packages/kubernetes/v1.36/rpm/kubelet.rpm", "cache": "MISS"}
{"uri": "/packages/kubernetes/v1.36/rpm/kubelet.rpm", "cache": "HIT"}
{"uri": "/packages/containerd/9/x86_64/stable/containerd.rpm", "cache": "STALE"}
{"uri": "/images/v2/calico/node/blobs/sha256:55?ns=quay.io", "cache": "REVALIDATED"}
{"uri": "/rocky/BaseOS/Packages/bash.rpm", "cache": ""}
{"uri": "/images/v2/calico/node/manifests/v3?ns=quay.io", "cache": "MISS", "client": "127.0.0.1"}
{"wanted": ["a", "b"], "kept": ["a"], "failed": {"b": "429 Too Many Requests"}, "bytes": 1048576, "ended": true}
"""


def test_each_kind_has_its_files_and_how_often_it_was_of_use() -> None:
    assert parse(LOG) == [
        Kept("packages", 12, 104857600, "3 of 4 requests were served from here"),
        Kept("tree", 0, 0),
        Kept("manifests", 5, 300000),
        Kept("ahead", 1, 1048576, "1 of 2; missing: b (429 Too Many Requests)"),
    ]


def test_sizes_are_shown_in_megabytes() -> None:
    assert table(parse(LOG)).columns[2]._cells == ["100.0", "0.0", "0.3", "1.0"]


def test_manifests_are_counted_where_the_role_keeps_them() -> None:
    assert yaml.safe_load(ROLE.read_text(encoding="utf-8"))["manifests_cache"] == MANIFESTS
