"""What stays when the machines are gone: each thing that is there, with the command that removes it."""

from __future__ import annotations

from labkit.hyperv.reading import host_facts
from labkit.hyperv.remains import remains
from tests.labs import delivered
from tests.unit.hyperv.conftest import Answer, host_answer


def told(answer: Answer) -> list[str]:
    """Of the one PC of a lab behind NAT."""
    lab = delivered("one-pc-16gb")
    return [str(one) for one in remains(lab, {"pc1": host_facts("pc1", lab.name, answer)})]


def test_what_is_there_is_told_with_its_command_and_nothing_else() -> None:
    lab = delivered("one-pc-16gb")
    answer = host_answer(lab, lab.hosts[0], built=True)
    stays = told(answer)
    assert [line.partition(": ")[2].split(": ")[1].partition(" -")[0] for line in stays] == [
        "inv hyperv.remove-switch", "Remove-NetNat", "inv hyperv.remove-switch", "Remove-Item", "Remove-Item",
        r".\Enable-LabHost.ps1",
    ]  # fmt: skip
    assert stays[1].endswith("Remove-NetNat -Name 'lab-7e57'")
    assert stays[3].count("cp1") >= 2
    assert stays[3].endswith(".lab.json'")
    answer.update(switches=[], disks=[], iso=False, vms=[])
    assert told(answer) == [stays[-1]]


def test_a_name_with_an_apostrophe_is_still_one_text() -> None:
    lab = delivered("one-pc-16gb")
    answer = host_answer(lab, lab.hosts[0], built=True)
    disk = next(row for row in answer["disks"] if row["mark"]["kind"] == "data")
    disk["path"] = r"C:\Bob's lab\data.vhdx"
    assert r"-LiteralPath 'C:\Bob''s lab\data.vhdx', 'C:\Bob''s lab\data.vhdx.lab.json'" in "\n".join(told(answer))
