"""Where the bootstrap server's packages come from: its DVD, and a mirror on the Internet only for what is missing."""

from __future__ import annotations

import pytest

from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network


def prepare(begun: Begun) -> Run:
    """The role `packages` on the bootstrap server, without a network and with a dnf that knows no repository."""
    return begun.play("1-bootstrap.yml", "bootstrap", role="packages", ansible_facts={"pkg_mgr": "dnf"})


def test_what_the_dvd_installed_asks_nobody_and_what_is_missing_is_fetched(begun: Begun) -> None:
    begun.world("installed")
    run = prepare(begun)
    assert (run.result, run.changed) == ("success", False), run.failures


def test_what_is_missing_there_is_asked_for(begun: Begun) -> None:
    (failure,) = prepare(begun).failures
    assert "Ensure all packages are installed" in str(failure)
