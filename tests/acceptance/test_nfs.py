"""Export and mount between two kernels that have NFS: what a rehearsal on a kernel without it cannot prove."""

from __future__ import annotations

import shutil

import pytest

from labkit.description.lab import Lab
from tests.acceptance.nfs.guests import Guests

TIMEOUT_S = 420
ONE_ACT = True

pytestmark = pytest.mark.timeout(TIMEOUT_S + 300)


@pytest.fixture(scope="module")
def consoles(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the server and the client said."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86 is not installed")
    return Guests(lab, tmp_path_factory.mktemp("nfs")).run(TIMEOUT_S)


def test_nothing_is_given_to_anybody_while_the_data_disk_is_not_mounted(consoles: tuple[str, str]) -> None:
    refused = [line.strip() for line in consoles[1].splitlines() if line.startswith("client: refused: ")]
    assert any("No such file or directory" in line or "denied" in line for line in refused), consoles[1]


def test_the_role_exports_the_data_disk_to_internal_alone(consoles: tuple[str, str], lab: Lab) -> None:
    said = _line(consoles[0], "server: exports")
    assert f"/srv/nfs {lab.internal.cidr}(" in " ".join(said.split()), consoles[0]
    assert "no_root_squash" in said


def test_the_server_speaks_nfs_4_alone_on_internal_alone(consoles: tuple[str, str], lab: Lab) -> None:
    versions = _line(consoles[0], "server: versions").split()
    assert "-3" in versions
    assert "+4.2" in versions
    assert lab.storage is not None
    assert _line(consoles[0], "server: listens").split()[2:] == [f"{lab.storage.internal.address}:2049"]


def test_the_client_mounts_nfs_4_2_and_reads_what_the_server_wrote(consoles: tuple[str, str]) -> None:
    mounted = _line(consoles[1], "client: mounted")
    assert " nfs4 " in mounted
    assert "vers=4.2" in mounted
    assert _line(consoles[1], "client: read ") == "client: read written by the server"


def test_what_the_client_wrote_is_on_the_servers_disk_as_roots(consoles: tuple[str, str]) -> None:
    line = _line(consoles[1], "client: after another mount")
    assert line == "client: after another mount read written by the client"
    assert _line(consoles[0], "server: found") == "server: found written by the client, owned by 0"


def _line(console: str, begin: str) -> str:
    found = [line.strip() for line in console.splitlines() if line.startswith(begin)]
    assert len(found) == 1, console[-3000:]
    return found[0]
