"""lab.bundle gathers what there is, of a whole lab and of a broken one; no secret and no user is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from labkit.controller import keys, redaction
from labkit.controller.secrets import Secret
from labkit.description.lab import Host, Machine
from labkit.errors import UnreachableError
from labkit.k8s.ask import ask
from labkit.lab import bundle as bundling
from labkit.lab import evidence
from labkit.lab.evidence import Part
from labkit.session import Session
from labkit.transport.winrm import Output
from tests.contracts.tasks import inmemory
from tests.contracts.tasks.conftest import Inv
from tests.contracts.tasks.lan import Lan

MACHINES = ("bootstrap", "cp1", "storage1", "w1", "w2", "w3")
WITHOUT_ANYBODY = {"versions.txt", "description.yaml", "state/files.txt", "contents.txt"}


def bundle(inv: Inv, lan: Lan, *before: str) -> dict[str, str]:
    """Type `lab.bundle`; the texts in it by name, pictures as ''."""
    for line in before:
        inv(line)
    file = lan.root / "bundle.zip"
    file.unlink(missing_ok=True)
    assert inv("lab.bundle", "--file", "bundle.zip") == 0
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: "" if name.endswith("png") else archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def inv(lan: Lan, monkeypatch: pytest.MonkeyPatch) -> Inv:
    return Inv(lan, monkeypatch)


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_of_a_whole_lab_everything_is_in_it(lan: Lan, inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    found = bundle(inv, lan, "lab.check")
    assert set(found) >= WITHOUT_ANYBODY | {
        "state/journal.jsonl", "state/verification.json", "hosts/pc1.json", "hosts/pc2.json", "hosts/findings.txt",
        "pxe.log", "ansible/run.jsonl", "ansible/run.log",
        *(f"screens/{name}.png" for name in MACHINES), *(f"machines/{name}.txt" for name in MACHINES),
    }  # fmt: skip
    assert any(name.endswith("lab.check.log") for name in found)
    assert "not there" not in found["contents.txt"]
    assert found["contents.txt"] in capsys.readouterr().out
    assert json.loads(found["hosts/pc1.json"])["host"]["name"]
    assert found["machines/w2.txt"].endswith("its last words on w2\n")


@pytest.mark.parametrize("lan", [True], indirect=True)
def test_before_anything_is_built_it_says_what_is_not_there(lan: Lan, inv: Inv) -> None:
    found = bundle(inv, lan, "k8s.status")
    assert set(found) >= WITHOUT_ANYBODY | {"hosts/pc1.json", "hosts/findings.txt"}
    (log,) = (text for name, text in found.items() if name.endswith("k8s.status.log"))
    assert "no SSH connection" in log
    page = found["contents.txt"]
    assert "KB  exit code 3; error: cp1 (" in page
    assert page.count("not there: bootstrap (192.0.2.100): no SSH connection") == 3
    assert "nothing to see" in page


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_without_a_password_and_with_a_silent_bootstrap_server_there_is_a_bundle(
    lan: Lan, inv: Inv, monkeypatch: pytest.MonkeyPatch
) -> None:
    inv.variables["LAB_PASSWORD"] = ""
    monkeypatch.setattr(Lan, "lets_in", lambda *_: False)
    page = bundle(inv, lan)["contents.txt"]
    for name, why in (("hosts/", "no password for"), ("screens/ of pc1", "that PC"), ("machines/", "bootstrap (")):
        (line,) = (line for line in page.splitlines() if line.startswith(name))
        assert f"not there: {why}" in line


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_what_is_silent_or_broken_itself_costs_only_its_own(
    lan: Lan, inv: Inv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(session: Session) -> Iterator[tuple[str, str]]:
        yield "broken/first.txt", "told"
        raise KeyError("oops")

    def ask_but_w3(s: Session, machines: list[Machine], *rest: Any) -> dict[str, str]:
        if machines[0].name == "w3":
            raise UnreachableError("w3 (10.0.0.5): no SSH connection: timed out")
        return whole(s, machines, *rest)

    class Pc1Alone(inmemory.PcLink):
        def __init__(self, lan: Lan, host: Host) -> None:
            super().__init__(lan, host)
            self.is_silent = host.name == "pc2"

        def run(self, command: str, stdin: bytes, deadline_s: float) -> Output:
            if self.is_silent:
                raise UnreachableError("host pc2 (192.0.2.12) does not answer")
            return super().run(command, stdin, deadline_s)

    whole = ask
    monkeypatch.setattr(inmemory, "PcLink", Pc1Alone)
    monkeypatch.setattr(evidence, "ask", ask_but_w3)
    monkeypatch.setattr(bundling, "PARTS", (Part("broken/", "", broken), *evidence.PARTS))
    found = bundle(inv, lan)
    assert found["broken/first.txt"] == "told"
    missing = [line.split("  ", 1) for line in found["contents.txt"].splitlines() if "not there" in line]
    assert {name: why.split(": ", 1)[1] for name, why in missing} == {
        "broken/": "KeyError: 'oops'", "machines/w3.txt": "w3 (10.0.0.5): no SSH connection: timed out",
        "hosts/pc2.json": "host pc2 (192.0.2.12) does not answer", "screens/ of pc2": "that PC could not be read",
    }  # fmt: skip
    assert {"machines/w2.txt", "hosts/pc1.json", "screens/w1.png"} < set(found)


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_no_secret_and_no_user_is_in_it(lan: Lan, inv: Inv, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a machine, a PC or a log says: here a machine's log says all of it."""
    inv.variables |= {"LAB_PASSWORD": "Winter-2026!", "USERNAME": "Gildong", "USER": "Gildong", "LOGNAME": "Gildong"}
    private = [lan.state.private_key, lan.state.bootstrap / keys.HOST_KEY]
    lan.state.kubeconfig.write_text("client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==\n")
    secrets = ["Winter-2026!", "abcdef.0123456789abcdef", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ=="]
    secrets += [word for file in private for word in file.read_text().split() if len(word) > 20]
    said = "\n".join([*secrets, r"C:\Users\Gildong Hong\ISO\x.iso", r'{"p": "C:\\Users\\Gildong\\y"}', "PC1\\gildong:"])
    monkeypatch.setattr(evidence, "ask", lambda _s, machines, *_: {machine.name: said for machine in machines})
    found = bundle(inv, lan)
    assert [word for word in (*secrets, "ildong") for text in found.values() if word in text] == []
    assert r"C:\Users\USER\ISO\x.iso" in found["machines/w1.txt"]
    assert str(Secret("x")) == "Secret(***)"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r"C:\Users\Public\x", r"C:\Users\Public\x"),
        (r"c:/users/kim/x and C:\Users\kim", r"c:/users/USER/x and C:\Users\USER"),
        ("/home/kim/lab, /Users/kim/lab", "/home/USER/lab, /Users/USER/lab"),
        (r"refuses CORP\Kim: kimchi", r"refuses CORP\USER: kimchi"),
        ("lab: lab-7e57 of lab", "lab: lab-7e57 of lab"),
    ],
)
def test_a_users_name_goes_where_it_is_one(text: str, kept: str) -> None:
    assert redaction.without_users(text, ["kim"]) == kept


@pytest.mark.parametrize("lan", [False], indirect=True)
def test_a_bundle_overwrites_nothing(lan: Lan, inv: Inv) -> None:
    (lan.root / "bundle.zip").write_text("mine")
    assert inv("lab.bundle", "--file", "bundle.zip") == 6
    assert (lan.root / "bundle.zip").read_text() == "mine"


def test_every_part_has_a_name_of_its_own() -> None:
    names = [part.name for part in evidence.PARTS]
    assert len(set(names)) == len(names)
    assert all(Path(name).suffix or name.endswith("/") for name in names)
