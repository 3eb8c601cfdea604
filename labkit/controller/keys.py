"""The lab's SSH keys: made once, kept in `.lab/<id>/`, and the pinned host keys of its machines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from labkit.controller.state import StateDir
from labkit.description.lab import Machine
from labkit.errors import MissingError, RefusedError

HOST_KEY = "ssh_host_ed25519_key"  # sshd's own name for it; stands in .lab/<id>/bootstrap/
NO_DISK = "-"  # in place of a disk's id beside a key that was made and no system has yet


def make_key_pair(comment: str) -> tuple[str, str]:
    """A new Ed25519 pair: the private key in OpenSSH's format, and the public one as `ssh-ed25519 AAAA... comment`."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return private.decode("ascii"), f"{_public(key)} {comment}\n"


def ensure_key_pair(state: StateDir, private: Path, comment: str, bootstrap_name: str) -> bool:
    """Make the pair `private` and `private`.pub unless it is there; return whether it was made.

    `bootstrap_name` is the machine that a refusal names.

    A public key that was lost is written again from the private one: the machines know that pair. Raises RefusedError
    where the private one was lost: machines know it, and another one in its place would not open them.
    """
    public = private.with_name(private.name + ".pub")
    if private.exists():
        key = serialization.load_ssh_private_key(private.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise MissingError(
                f"{private} is not an Ed25519 key", f"move it away; {_lost(state, private, bootstrap_name).hint}"
            )
        return not public.exists() and state.write(public, f"{_public(key)} {comment}\n")
    if public.exists():
        raise _lost(state, private, bootstrap_name)
    private_text, public_text = make_key_pair(comment)
    state.write(private, private_text)
    state.write(public, public_text)
    return True


def refuse_lost(state: StateDir, bootstrap: Machine) -> None:
    """Raise RefusedError where one of the lab's private keys was here once: its public one or a pin tells of it."""
    host_key = state.bootstrap / HOST_KEY
    pins = pinned(state)
    for private, is_known in ((state.private_key, bool(pins)), (host_key, str(bootstrap.external.address) in pins)):
        if not private.exists() and (is_known or private.with_name(private.name + ".pub").exists()):
            raise _lost(state, private, bootstrap.name)


def _lost(state: StateDir, private: Path, bootstrap_name: str) -> RefusedError:
    back = "bring it back with `inv lab.import FILE`, of an `inv lab.export`"
    if private == state.private_key:
        anew = (
            f"without one: move {state.path} away, then `inv hyperv.trust` (the PCs' certificates went with it),"
            f" `inv os.reinstall --machine {bootstrap_name}` and `inv lab.rebuild`"
        )
        return RefusedError(
            f"{private} is gone, and machines open to no other key; nothing was changed", f"{back}; {anew}"
        )
    anew = (
        f"without one: remove {private}.pub and the bootstrap server's line in {state.known_hosts}, then"
        f" `inv os.reinstall --machine {bootstrap_name}`"
    )
    return RefusedError(
        f"{private} is gone, the host key by which the bootstrap server is known; nothing was changed",
        f"{back}; {anew}",
    )


def ensure_lab_keys(state: StateDir, lab_name: str, bootstrap_name: str) -> bool:
    """Make what opens the lab (`id_ed25519`) and the bootstrap server's host key; return whether any was made."""
    entry = ensure_key_pair(state, state.private_key, lab_name, bootstrap_name)
    host = ensure_key_pair(state, state.bootstrap / HOST_KEY, bootstrap_name, bootstrap_name)
    return entry or host


def public_key(state: StateDir) -> str:
    """The lab's public key, one line without its newline. MissingError before `os.bootstrap` made it."""
    if not state.public_key.exists():
        raise MissingError("this lab has no SSH key yet", "run `inv os.bootstrap`, which makes it")
    return state.public_key.read_text(encoding="ascii").strip()


def bootstrap_host_key(state: StateDir) -> tuple[str, str]:
    """The host key made for the bootstrap server: private text and public line."""
    file = state.bootstrap / HOST_KEY
    if not file.exists():
        raise MissingError("the bootstrap server's host key is not made yet", "run `inv os.bootstrap`, which makes it")
    return file.read_text(encoding="ascii"), file.with_name(HOST_KEY + ".pub").read_text(encoding="ascii").strip()


def has_host_key(state: StateDir) -> bool:
    """Whether the private host key made for the bootstrap server is here."""
    return (state.bootstrap / HOST_KEY).exists()


def take_host_key(state: StateDir, private: str, pinned_key: str) -> bool:
    """Keep the bootstrap server's private host key, as itself has it; False if it does not fit the pinned one."""
    try:
        key = serialization.load_ssh_private_key(private.encode("ascii", "replace"), password=None)
    except ValueError:
        return False
    if not isinstance(key, Ed25519PrivateKey) or _public(key) != pinned_key:
        return False
    return state.write(state.bootstrap / HOST_KEY, private)


def fits_disk(state: StateDir, address: str, disk: str) -> bool:
    """Whether the bootstrap server's keys here are those of the system on its disk of that id.

    A pin that names no disk is from before disks were noted: then the host key, which is made here, has to be here.
    """
    known = pinned_disks(state).get(address)
    return has_host_key(state) if known is None else known == disk


def pin(state: StateDir, address: str, host_key: str, disk: str = "") -> bool:
    """Trust `host_key` (`ssh-ed25519 AAAA...`) at `address` and no other key there; return whether that is news.

    `disk` is the id of the system disk whose system told that key. Without it, what is known of the same key stays;
    with it nothing is trusted any more where that system was found before: it moved.
    """
    pins, disks = pinned(state), pinned_disks(state)
    for before in [other for other, one in disks.items() if one == disk != NO_DISK and other != address]:
        del pins[before], disks[before]
    key = " ".join(host_key.split()[:2])
    known = disks.pop(address, "") if pins.get(address) == key else ""
    pins[address], disks[address] = key, disk or known
    return state.write(state.known_hosts, known_hosts_text(pins, disks))


def pinned(state: StateDir) -> dict[str, str]:
    """The host keys trusted so far, by address."""
    return {row[0]: " ".join(row[1:3]) for row in _pins(state)}


def pinned_disks(state: StateDir) -> dict[str, str]:
    """The id of the system disk whose system told the key trusted at an address, where that is known."""
    return {row[0]: row[3] for row in _pins(state) if len(row) > 3}


def _pins(state: StateDir) -> list[list[str]]:
    """The fields of each line of known_hosts: address, kind, key, and in sshd(8)'s comment the disk's id."""
    if not state.known_hosts.exists():
        return []
    rows = [line.split() for line in state.known_hosts.read_text(encoding="ascii").splitlines()]
    return [row for row in rows if len(row) > 2]


def known_hosts_text(pins: Mapping[str, str], disks: Mapping[str, str] | None = None) -> str:
    """A known_hosts file of these keys, sorted by address; a disk's id stands in the line's comment."""
    lines = (f"{address} {key} {(disks or {}).get(address, '')}".rstrip() for address, key in sorted(pins.items()))
    return "".join(f"{line}\n" for line in lines)


def _public(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return raw.decode("ascii")
