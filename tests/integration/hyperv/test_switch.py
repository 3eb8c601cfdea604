"""Virtual switches are made on PCs that have none: kept once proven, else the PC is as it was before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit.description.lab import Lab
from labkit.description.load import load_lab
from labkit.errors import LabError, RefusedError, UnreachableError
from labkit.hyperv import check, hosts, path, switching, unswitching
from rehearsal.hosts import lan, wiring
from rehearsal.hosts.answers import worker
from rehearsal.hosts.state import HostState, Json, initial
from rehearsal.tests.bare_pc import take_switch_away
from tests.integration.hyperv.conftest import ELSEWHERE, HERE, PASSWORD, Pcs, answering
from tests.labs import rehearsed

pytestmark = pytest.mark.network
NETWORK = ("adapters", "addresses", "routes", "dns", "profiles", "switches", "neighbors")
SOON_S = 4


@contextmanager
def fresh(lab: Lab, root: Path, pwsh: Path | None) -> Iterator[Pcs]:
    """Two PCs without a switch, each with an address of its own; this controller is their neighbour."""
    for host, address in zip(lab.hosts, ELSEWHERE, strict=True):
        state = initial(host.name, address=address, memory_bytes=64 << 30)
        take_switch_away(state, HERE)
        HostState(root, host.name).make(state)
    with answering(lab, root, pwsh, addresses=ELSEWHERE) as pcs:
        yield pcs


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """PCs that lose their patience soon, and so does this controller."""
    monkeypatch.setattr(switching, "CONFIRM_WITHIN_S", SOON_S)
    monkeypatch.setattr(switching, "ROLL_BACK_WITHIN_S", 20)


@pytest.fixture
def bare(lab: Lab, pwsh: Path | None, tmp_path: Path, password: None) -> Iterator[Pcs]:
    with fresh(lab, tmp_path, pwsh) as pcs:
        yield pcs


@pytest.fixture
def quick(password: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """PCs that need less time than Windows, and a controller that asks more often."""
    monkeypatch.setattr(worker, "BEFORE_S", 0.3)
    monkeypatch.setattr(wiring, "PAUSE_S", 0.3)
    monkeypatch.setattr(switching, "POLL_S", 0.1)


@pytest.fixture
def told(lab: Lab, tmp_path: Path, quick: None) -> Iterator[Pcs]:
    """The same, answered by contract: what is tried here does not depend on who runs the scripts."""
    with fresh(lab, tmp_path, None) as pcs:
        yield pcs


def network(pcs: Pcs, host: str) -> Any:
    state = pcs.state(host).read()
    return {key: state[key] for key in NETWORK}


def make_all(pcs: Pcs) -> dict[str, list[str]]:
    session = pcs.session()
    return {making.host.name: switching.make(session, making) for making in switching.find(session)}


def test_from_nothing_to_a_proven_path_and_a_second_run_changes_nothing(
    bare: Pcs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = switching.describe(switching.find(bare.session()))
    assert ["pc1 (127.0.0.2) pauses" in pauses[0], "pc2 (127.0.0.3) pauses" in pauses[1]] == [True, True]
    assert make_all(bare) == {"pc1": ["Lab"], "pc2": ["Lab"]}
    for host, address in (("pc1", "127.0.0.2"), ("pc2", "127.0.0.3")):
        state = bare.state(host).read()
        assert [(one["adapter"], one["address"]) for one in state["addresses"]] == [("vEthernet (Lab)", address)]
        assert [one["notes"] for one in state["switches"]] == ['{"lab":"lab-7e57","switch":"Lab"}']
        assert state["scheduled_tasks"] == {}
    (bare.root / "lan.json").write_text('{"mtu": 1400}', encoding="utf-8")
    with monkeypatch.context() as impatient:
        impatient.setattr(path, "TRY_FOR_S", 1)
        with pytest.raises(RefusedError, match=r"packets of 1500 bytes do not pass .* small ones do"):
            path.prove(bare.session())
    (bare.root / "lan.json").unlink()
    lab = bare.lab
    assert path.prove(bare.session()) == [
        f"MGMT (VLAN {lab.mgmt.vlan}): full-size packets pass between pc1, pc2",
        f"INTERNAL (VLAN {lab.internal.vlan}): full-size packets pass between pc1, pc2",
    ]
    assert bare.state("pc1").read()["management_adapters"] == []
    check.check(bare.session())
    before = [network(bare, host) for host in ("pc1", "pc2")]
    assert make_all(bare) == {}
    assert [network(bare, host) for host in ("pc1", "pc2")] == before


def test_a_switch_behind_which_the_lan_is_gone_is_taken_away_by_the_pc_itself(
    told: Pcs, soon: None, capsys: pytest.CaptureFixture[str]
) -> None:
    told.update("pc1", switch_faults=["stays down"])
    before = network(told, "pc1")
    with pytest.raises(LabError, match=r"host pc1 .* was taken away again.* nobody confirmed in time"):
        make_all(told)
    assert network(told, "pc1") == before
    words = capsys.readouterr().err
    assert "should pc1 stay without its network, restart it" in words
    assert "enter IP address 127.0.0.2, subnet mask 255.255.255.0, default gateway 127.0.0.1, DNS server" in words
    assert told.state("pc2").read()["switches"] == []  # one PC after the other: the second was left alone


def test_address_and_dns_that_windows_loses_are_put_back_on_an_adapter_that_comes_late_and_numbered(told: Pcs) -> None:
    trouble = {"delay_s": 2, "NewVMSwitch": 1}
    told.update("pc2", switch_faults=["addresses", "dns", "public", "ghost"], switch_trouble=trouble)
    before = network(told, "pc2")
    assert make_all(told)["pc2"] == ["Lab"]
    after = network(told, "pc2")
    assert [one["address"] for one in after["addresses"]] == [one["address"] for one in before["addresses"]]
    assert [one["servers"] for one in after["dns"]] == [one["servers"] for one in before["dns"]]
    assert [one["gateway"] for one in after["routes"]] == [one["gateway"] for one in before["routes"]]
    assert {one["NetworkCategory"] for one in after["profiles"].values()} == {"Private"}


def test_the_labs_own_switches_go_again_and_nobody_elses(told: Pcs) -> None:
    before = [network(told, host) for host in ("pc1", "pc2")]
    make_all(told)
    going, stay = unswitching.find(told.session())
    assert [("pauses" in str(one), one.host.name) for one in going] == [(True, "pc1"), (True, "pc2")]
    assert (unswitching.remove(told.session(), going), stay) == (["Lab of pc1", "Lab of pc2"], [])
    assert [network(told, host) for host in ("pc1", "pc2")] == before
    assert unswitching.find(told.session()) == ([], [])
    told.update("pc2", switches=[wiring.switch("Lab", "External", "somebody's")])
    assert unswitching.find(told.session()) == ([], ["pc2: switch Lab stays: the lab did not make it"])


def test_a_switch_that_vms_are_on_stays(pcs: Pcs) -> None:
    with pcs.state("pc1").change() as state:
        state["switches"][0]["notes"] = switching.mark(pcs.lab, "Lab")
    with pytest.raises(RefusedError, match=r"host pc1: on switch Lab are VMs: .*lab-7e57-") as caught:
        unswitching.find(pcs.session())
    assert "inv lab.destroy" in str(caught.value.hint)


def test_who_had_an_address_from_the_router_gets_it_again_automatically() -> None:
    told = switching.way_back({"name": "Lab", "adapter": "이더넷", "before": {"dhcp": True}})
    assert "right-click 이더넷, Properties, Internet Protocol Version 4, Properties, and " in told
    assert told.endswith("choose Obtain an IP address automatically")


def test_a_pc_that_restarts_in_the_middle_goes_on_and_keeps_its_switch(told: Pcs) -> None:
    def restart() -> None:
        while not told.state("pc1").read()["switches"]:
            time.sleep(0.05)
        told.fault("pc1", {"kind": "reboot", "seconds": 1, "times": 1})

    watcher = threading.Thread(target=restart, daemon=True)
    watcher.start()
    assert make_all(told)["pc1"] == ["Lab"]
    watcher.join()
    assert told.state("pc1").read()["scheduled_tasks"] == {}


def test_a_controller_that_is_that_very_pc_does_not_take_itself_for_the_proof(
    lab: Lab, tmp_path: Path, quick: None, soon: None
) -> None:
    state = initial("pc1", address=HERE)
    take_switch_away(state, ELSEWHERE[1])
    state["switch_faults"] = ["stays down"]
    HostState(tmp_path, "pc1").make(state)
    before = {key: state[key] for key in NETWORK}
    with answering(lab, tmp_path, None, addresses=(HERE, ELSEWHERE[1])) as pcs:
        session = pcs.session()
        assert list(switching.peers(session.lab, session.lab.hosts[0])) == [ELSEWHERE[1]]
        (making,) = (one for one in switching.find(session) if one.host.name == "pc1")
        with pytest.raises(LabError, match="was taken away again"):
            switching.make(session, making)
        assert network(pcs, "pc1") == before


def test_a_run_that_was_cut_off_is_taken_up_again(told: Pcs, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(switching, "follow", lambda *_: pytest.fail("cut off"))
        with pytest.raises(BaseException, match="cut off"):
            make_all(told)
    while not (told.state("pc1").read()["switches"] and lan.is_up(told.state("pc1").read())):
        time.sleep(0.05)
    first, second = switching.find(told.session())
    assert (first.begun, first.pauses, second.begun) == (True, None, False)
    assert make_all(told) == {"pc1": ["Lab"], "pc2": ["Lab"]}


@pytest.mark.parametrize("fault", [{"kind": "refuse"}, {"kind": "hang", "seconds": 9}], ids=["off", "hanging"])
def test_a_pc_that_never_comes_back_is_told_of_and_the_other_left_alone(
    told: Pcs, soon: None, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    monkeypatch.setattr(switching, "ROLL_BACK_WITHIN_S", 1)
    session = told.session()
    first, _ = switching.find(session)
    with monkeypatch.context() as cut:
        cut.setattr(switching, "follow", lambda *_: "")
        switching.make(session, first)
    told.fault("pc1", fault)
    monkeypatch.setattr(hosts, "READ_DEADLINE_S", 0.2)
    monkeypatch.setattr(hosts, "GRACE_S", 0.2)
    with pytest.raises(UnreachableError, match="it is not known what became of it"):
        switching.make(session, switching.Making(first.host, (), None, begun=True))


def adapter(**values: Any) -> Callable[[Json], None]:
    return lambda state: state["adapters"][0].update(values)


THEIRS = {"id": "6f0f6f2c-7a35-4a45-9a51-52e4b5f1a001", "name": "Theirs", "type": "External", "notes": "",
          "adapter": "Ethernet", "adapter_description": "Realtek", "allow_management_os": True}  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "spoil"),
    [
        ("is not Ethernet", adapter(medium="Native 802.11")),
        ("has no link", adapter(status="Disconnected")),
        ("member of a network bridge", adapter(bridged=True)),
        ("carries switch Theirs already", lambda state: state.update(switches=[THEIRS])),
    ],
)
def test_where_no_switch_can_be_made_it_is_refused_before_anything(
    told: Pcs, problem: str, spoil: Callable[[Json], None]
) -> None:
    with told.state("pc1").change() as state:
        spoil(state)
    before = network(told, "pc1")
    with pytest.raises(RefusedError, match=problem):
        make_all(told)
    assert network(told, "pc1") == before
    assert "New-LabSwitch" not in {script for _, script in told.calls()}


def test_nobody_to_prove_it_by_is_refused(told: Pcs) -> None:
    told.update("pc1", neighbors=[])
    with pytest.raises(RefusedError, match="nobody answers on Ethernet"):
        make_all(told)
    assert told.state("pc1").read()["switches"] == []


class TestPath:
    """Between two PCs that have their switches."""

    @pytest.fixture
    def wired(self, lab: Lab, tmp_path: Path, password: None) -> Iterator[Pcs]:
        for host, address in zip(lab.hosts, ELSEWHERE, strict=True):
            HostState(tmp_path, host.name).make(initial(host.name, address=address))
        with answering(lab, tmp_path, None, addresses=ELSEWHERE) as pcs:
            yield pcs

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(path, "TRY_FOR_S", 1)

    def lan(self, pcs: Pcs, text: str) -> None:
        (pcs.root / "lan.json").write_text(text, encoding="utf-8")

    def nothing_is_left(self, pcs: Pcs) -> None:
        for host in ("pc1", "pc2"):
            state = pcs.state(host).read()
            assert (state["management_adapters"], state["firewall_rules"]) == ([], {})
            assert len(state["adapters"]) == 2

    def test_a_lan_that_drops_tags_is_told_with_the_usual_causes(self, wired: Pcs) -> None:
        self.lan(wired, '{"drops_tags": true}')
        with pytest.raises(RefusedError, match="nothing passes from pc1 to pc2 in MGMT") as caught:
            path.prove(wired.session())
        assert all(words in str(caught.value.hint) for words in ("Priority & VLAN", "router, mesh", "vlan: null"))
        self.nothing_is_left(wired)

    def test_what_a_proof_left_is_taken_away_by_the_next(self, wired: Pcs) -> None:
        session = wired.session()
        place = {"network": "mgmt", "switch": "Lab", "vlan": 4000, "address": "10.9.9.9", "prefix": 24, "peers": []}
        session.hosts.run("Set-LabPath", {"pc1": {"Lab": session.lab.name, "Path": [place]}})
        assert len(path.prove(wired.session())) == 2
        self.nothing_is_left(wired)


def test_without_tags_one_wire_is_proven_and_dropped_tags_do_not_matter(tmp_path: Path, quick: None) -> None:
    with fresh(load_lab(rehearsed("untagged", tmp_path)), tmp_path, None) as pcs:
        (tmp_path / "lan.json").write_text('{"drops_tags": true}', encoding="utf-8")
        make_all(pcs)
        assert path.prove(pcs.session()) == ["MGMT (without a VLAN): full-size packets pass between pc1, pc2"]
