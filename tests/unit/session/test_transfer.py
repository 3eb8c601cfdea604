"""What opens a lab goes to another controller whole, to the right lab, and over nothing that is there."""

from __future__ import annotations

import dataclasses
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from labkit.controller.state import StateDir
from labkit.errors import ConfigError, MissingError, RefusedError
from labkit.lab import transfer
from labkit.machines import entry
from labkit.session import Session


@pytest.fixture
def opened(session: Session) -> Session:
    """A controller that opens its lab, and trusts a host's certificate."""
    entry.prepare(session.lab, session.state)
    session.state.write(session.state.host_certificate("pc1"), "-----BEGIN CERTIFICATE-----\n")
    session.state.write(session.state.kubeconfig, "kind: Config\n")
    session.state.write(session.state.journal, "not for others\n")
    return session


@pytest.fixture
def elsewhere(session: Session, tmp_path: Path) -> Session:
    """Another controller with the same description, and nothing else."""
    other = Session(session.lab)
    other.__dict__["state"] = StateDir(tmp_path / "elsewhere")
    return other


@pytest.fixture
def exported(opened: Session, tmp_path: Path) -> Path:
    file = tmp_path / "lab.export.json"
    transfer.export(opened, file)
    return file


def kept(session: Session) -> dict[str, str]:
    files = (path for path in session.state.path.rglob("*") if path.is_file())
    return {path.relative_to(session.state.path).as_posix(): path.read_text("utf-8") for path in files}


def test_another_controller_opens_the_lab_with_what_was_exported_and_a_second_import_takes_nothing(
    exported: Path, opened: Session, elsewhere: Session
) -> None:
    taken = transfer.read_in(elsewhere, exported)
    assert set(taken) == {
        "id_ed25519", "id_ed25519.pub", "bootstrap/ssh_host_ed25519_key", "bootstrap/ssh_host_ed25519_key.pub",
        "known_hosts", "kubeconfig", "hosts/pc1.pem",
    }  # fmt: skip
    here, there = kept(opened), kept(elsewhere)
    assert {name: there[name] for name in taken} == {name: here[name] for name in taken}
    assert elsewhere.state.path.as_posix() in there["ssh_config"]
    assert "journal.jsonl" not in there
    assert transfer.read_in(elsewhere, exported) == []


def test_the_file_and_what_is_taken_in_are_for_their_owner_only(exported: Path, elsewhere: Session) -> None:
    transfer.read_in(elsewhere, exported)
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert stat.S_IMODE(elsewhere.state.private_key.stat().st_mode) == 0o600


def test_an_export_overwrites_nothing(exported: Path, opened: Session) -> None:
    before = exported.read_text()
    with pytest.raises(RefusedError, match="is there already"):
        transfer.export(opened, exported)
    assert exported.read_text() == before


def test_a_lab_without_a_key_cannot_be_exported(session: Session, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="has no key on this controller"):
        transfer.export(session, tmp_path / "file")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("name", ["id_ed25519", "bootstrap/ssh_host_ed25519_key"])
def test_a_controller_with_other_keys_is_left_as_it_is(exported: Path, elsewhere: Session, name: str) -> None:
    elsewhere.state.write(elsewhere.state.path / name, "another\n")
    before = kept(elsewhere)
    with pytest.raises(RefusedError, match=f"has another {name}"):
        transfer.read_in(elsewhere, exported)
    assert kept(elsewhere) == before


def test_another_labs_export_is_refused(exported: Path, elsewhere: Session) -> None:
    elsewhere.lab = dataclasses.replace(elsewhere.lab, id="beef")
    with pytest.raises(RefusedError, match="is of lab-7e57, not of lab-beef"):
        transfer.read_in(elsewhere, exported)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["files"].pop("id_ed25519"),
        lambda content: content["files"].update({"../../.bashrc": "text"}),
        lambda content: content["files"].update({"hosts/../x.pem": "text"}),
        lambda content: content["files"].update({"known_hosts": 1}),
        lambda content: content.update(files=[]),
    ],
)
def test_what_is_no_whole_export_is_refused_before_anything_is_written(
    exported: Path, elsewhere: Session, change: Any
) -> None:
    content = json.loads(exported.read_text())
    change(content)
    exported.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="is no whole export"):
        transfer.read_in(elsewhere, exported)
    assert kept(elsewhere) == {}


@pytest.mark.parametrize(("text", "words"), [(None, "there is no file"), ("{", "cannot be read"), ("[]", "is of None")])
def test_a_file_that_is_none_is_told_in_one_sentence(
    elsewhere: Session, tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    with pytest.raises((ConfigError, RefusedError), match=words):
        transfer.read_in(elsewhere, file)
