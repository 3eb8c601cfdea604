"""What opens the lab: made once, for its owner only, and read by the system's ssh as it is meant."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from labkit.controller import keys
from labkit.controller.state import StateDir
from labkit.description.lab import Lab
from labkit.errors import MissingError, RefusedError
from labkit.machines import entry
from labkit.session import Session


@pytest.fixture
def state(session: Session) -> StateDir:
    return session.state


def contents(state: StateDir) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in state.path.rglob("*") if path.is_file()}


def test_keys_are_made_once_and_for_their_owner_only(lab: Lab, state: StateDir) -> None:
    assert entry.prepare(lab, state) is True
    before = contents(state)
    assert entry.prepare(lab, state) is False
    assert contents(state) == before
    for path in (state.private_key, state.bootstrap / keys.HOST_KEY, entry.kickstart_file(state)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert state.path.stat().st_mode & 0o777 == 0o700


def test_the_key_pair_is_ed25519_and_fits(lab: Lab, state: StateDir) -> None:
    entry.prepare(lab, state)
    key = paramiko.Ed25519Key.from_private_key_file(str(state.private_key))
    assert keys.public_key(state) == f"ssh-ed25519 {key.get_base64()} lab-7e57"


def test_a_lost_public_key_is_written_again_from_the_private_one(lab: Lab, state: StateDir) -> None:
    entry.prepare(lab, state)
    before = keys.public_key(state)
    keys.pin(state, "192.0.2.100", keys.bootstrap_host_key(state)[1], "5e57e701")
    state.public_key.unlink()
    assert entry.prepare(lab, state) is True
    assert keys.public_key(state) == before
    assert keys.pinned_disks(state) == {"192.0.2.100": "5e57e701"}


@pytest.mark.parametrize("left", ["its public key", "a pinned host key"])
@pytest.mark.parametrize("file", ["id_ed25519", f"bootstrap/{keys.HOST_KEY}"])
def test_in_place_of_a_private_key_that_was_lost_no_other_is_made_and_the_ways_out_are_told(
    lab: Lab, state: StateDir, file: str, left: str
) -> None:
    renamed = replace(lab.bootstrap, name="boot1")
    lab = replace(lab, machines=tuple(renamed if one == lab.bootstrap else one for one in lab.machines))
    entry.prepare(lab, state)
    private = state.path / file
    private.unlink()
    (state.known_hosts if left == "its public key" else private.with_name(private.name + ".pub")).unlink()
    before = contents(state)
    with pytest.raises(RefusedError, match=f"{private.name} is gone") as refusal:
        entry.prepare(lab, state)
    assert contents(state) == before
    ways_out = ["inv lab.import FILE", "inv os.reinstall --machine boot1"]
    ways_out += ["inv hyperv.trust"] if private == state.private_key else []
    assert [way for way in ways_out if way not in str(refusal.value.hint)] == []


def test_a_key_of_another_kind_is_moved_away_and_the_right_one_brought_back(lab: Lab, state: StateDir) -> None:
    """Whoever removes it and runs `os.bootstrap` only hears next that it is gone."""
    entry.prepare(lab, state)
    rsa = generate_private_key(65537, 2048)
    state.private_key.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    with pytest.raises(MissingError, match="not an Ed25519 key") as error:
        entry.prepare(lab, state)
    assert "move it away" in str(error.value.hint)
    assert "inv lab.import FILE" in str(error.value.hint)
    assert "os.bootstrap" not in str(error.value.hint)


def test_the_bootstrap_servers_host_key_is_pinned_and_in_its_kickstart(lab: Lab, state: StateDir) -> None:
    entry.prepare(lab, state)
    private, public = keys.bootstrap_host_key(state)
    assert keys.pinned(state) == {"192.0.2.100": " ".join(public.split()[:2])}
    text = entry.kickstart_file(state).read_text()
    assert private in text
    assert f'sshkey --username=lab "{keys.public_key(state)}"' in text


def test_a_pin_replaces_the_one_at_that_address_alone(state: StateDir) -> None:
    assert keys.pin(state, "10.0.0.1", "ssh-ed25519 AAAA comment") is True
    assert keys.pin(state, "10.0.0.2", "ssh-ed25519 BBBB") is True
    assert keys.pin(state, "10.0.0.1", "ssh-ed25519 AAAA other comment") is False
    assert keys.pin(state, "10.0.0.1", "ssh-ed25519 CCCC") is True
    assert state.known_hosts.read_text() == "10.0.0.1 ssh-ed25519 CCCC\n10.0.0.2 ssh-ed25519 BBBB\n"


def test_keys_that_are_not_there_name_the_task_that_makes_them(state: StateDir) -> None:
    for read in (keys.public_key, keys.bootstrap_host_key):
        with pytest.raises(MissingError) as error:
            read(state)
        assert "inv os.bootstrap" in str(error.value)


def test_ssh_reads_the_configuration_as_it_is_meant(lab: Lab, state: StateDir, tmp_path: Path) -> None:
    program = shutil.which("ssh")
    if program is None:
        pytest.skip("no ssh on the PATH")
    entry.prepare(lab, state)

    def asked(machine: str) -> dict[str, str]:
        command = [program, "-G", "-F", str(state.ssh_config), machine]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return dict(line.split(" ", 1) for line in lines if " " in line)

    w1, bootstrap = asked("w1"), asked("bootstrap")
    assert (w1["hostname"], w1["proxyjump"], w1["user"]) == ("10.190.86.13", "bootstrap", "lab")
    assert bootstrap["hostname"] == "192.0.2.100"
    assert "proxyjump" not in bootstrap
    assert w1["stricthostkeychecking"] in ("true", "yes")
    assert w1["identityfile"] == str(state.private_key)
    assert w1["userknownhostsfile"] == str(state.known_hosts)
