"""What a first build fetches is told with its size, and nothing once the bootstrap server was made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from labkit.description.lab import Lab
from labkit.lab import downloads


def facts(*, iso: bool, made: bool) -> Any:
    disks = [SimpleNamespace(machine="bootstrap", kind="system")] if made else []
    return {"pc1": SimpleNamespace(has_iso=iso, disks=disks), "pc2": SimpleNamespace(has_iso=False, disks=[])}


def test_without_the_dvd_all_is_to_be_fetched_and_the_dvd_first(lab: Lab) -> None:
    dvd, packages, images = (str(one) for one in downloads.expected(lab, facts(iso=False, made=False)))
    path = r"C:\ISO\Rocky-9-latest-x86_64-dvd.iso"
    assert dvd == f"Rocky's DVD, to {path} on pc1: about 15 GB (pxe.media), 20 min at 100 Mbit/s"
    assert packages.endswith("about 0.2 GB (k8s.bootstrap and k8s.prepare), less than a minute at 100 Mbit/s")
    assert images.endswith("about 0.8 GB (k8s.control-plane and what follows), 1 min at 100 Mbit/s")


def test_a_dvd_that_is_there_is_not_fetched(lab: Lab) -> None:
    assert len(downloads.expected(lab, facts(iso=True, made=False))) == 2


def test_a_bootstrap_server_that_was_made_keeps_what_it_fetched(lab: Lab) -> None:
    assert downloads.expected(lab, facts(iso=True, made=True)) == []


def test_of_a_pc_that_does_not_answer_nothing_is_told(lab: Lab) -> None:
    assert downloads.expected(lab, {}) == []
