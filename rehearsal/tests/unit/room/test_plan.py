"""Which PCs a room plays, with what they begin, and how the machines behind a PC's NAT are reached."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from rehearsal.__main__ import parser
from rehearsal.hosts import certificate
from rehearsal.hosts.begin import begin, memory_bytes
from rehearsal.hosts.state import GIB, HostState
from rehearsal.room import nat, network, room
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import LAB, LAN_BRIDGE, Layout
from rehearsal.room.plan import Plan
from rehearsal.room.vm import bridge_of
from tests.labs import FOLDER, REHEARSED, delivered, rehearsed, small

ONE_PC = FOLDER / "rehearsal-one-pc.yaml"
Json = dict[str, Any]


@pytest.fixture
def laptop() -> Json:
    """The one PC of the rehearsal's one-PC lab as it begins."""
    return begin(Plan.of(ONE_PC).lab, "pc1", address="192.0.2.11", prefix=24)


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """What is said of a rehearsal's lab file with `changes` (old, new) made to it."""

    def say(*changes: tuple[str, str], file: Path = LAB) -> str:
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "lab.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(RoomError) as caught:
            Plan.of(tmp_path / "lab.yaml")
        return str(caught.value)

    return say


def test_the_rehearsals_lab_is_the_default_and_has_both_pcs_on_the_lan() -> None:
    plan = Plan.of(parser().parse_args(["up"]).file)
    assert plan.shown == "labs/rehearsal.yaml"
    assert plan.hosts == {"pc1": IPv4Interface("192.0.2.11/24"), "pc2": IPv4Interface("192.0.2.12/24")}
    assert plan.behind_nat == ()
    assert plan.secure == ("pc1",)


def test_machines_behind_nat_are_reached_through_their_pc() -> None:
    plan = Plan.of(ONE_PC)
    assert [(str(cidr), str(through)) for cidr, through in plan.behind_nat] == [("198.51.100.0/24", "192.0.2.11")]


def test_what_the_room_has_no_network_for_is_refused(refused: Callable[..., str]) -> None:
    assert "host pc2 is at 10.0.0.2; in the room PCs are in 192.0.2.0/24" in refused(
        ("{address: 192.0.2.12,", "{address: 10.0.0.2,")
    )
    assert "host pc1 is at localhost" in refused(("address: 192.0.2.11", "address: localhost"), file=ONE_PC)
    assert "host pc1 is at 192.0.2.5" in refused(("192.0.2.11", "192.0.2.5"))
    assert "answers on port 5987, in the room on 5986" in refused(
        ("{address: 192.0.2.11}", "{address: 192.0.2.11, port: 5987}")
    )
    assert "in the room EXTERNAL is 192.0.2.0/24" in refused(("gateway: 192.0.2.1", "gateway: 192.0.2.9"))
    own_lan = (
        ("address_pool: 198.51.100.200-198.51.100.219", "address_pool:"),
        *(("198.51.100.0/24", "192.0.2.128/25"), ("198.51.100.", "192.0.2.1"), ("192.0.2.11\n", "192.0.2.129\n")),
    )
    assert "is the room's own LAN" in refused(
        *own_lan, ("first_address: 192.0.2.110", "first_address: 192.0.2.140"), file=ONE_PC
    )


@pytest.mark.parametrize("name", REHEARSED)
def test_the_room_can_play_every_lab_that_is_accepted_in_it(name: str, tmp_path: Path) -> None:
    plan = Plan.of(rehearsed(name, tmp_path))
    for host, address in plan.hosts.items():
        state = begin(plan.lab, host, address=str(address.ip), prefix=address.network.prefixlen)
        assert {switch.name for switch in plan.lab.switches} == {switch["name"] for switch in state["switches"]}


def test_a_lab_file_that_is_wrong_is_told_as_inv_tells_it(refused: Callable[..., str]) -> None:
    assert refused(("'7e57'", "")).startswith("1 problem in ")


def test_a_room_plays_one_lab_at_a_time(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / "cache")
    layout.lab.write_text(f"{LAB}\n", encoding="utf-8")
    room._require_same(layout, Plan.of(LAB))
    with pytest.raises(RoomError, match="python -m rehearsal down"):
        room._require_same(layout, Plan.of(ONE_PC))


def test_a_pc_is_as_large_as_its_machines_ask() -> None:
    sizes = [memory_bytes(delivered(name), "pc1") // GIB for name in ("rehearsal", "one-pc-16gb", "one-pc-32gb")]
    assert sizes == [16, 16, 32]
    assert memory_bytes(small("one node"), "pc1") // GIB == 16


def test_a_two_pc_lab_finds_wired_pcs_with_its_switch() -> None:
    state = begin(delivered("rehearsal"), "pc2", address="192.0.2.12", prefix=24)
    assert [(switch["name"], switch["type"]) for switch in state["switches"]] == [("Lab", "External")]
    assert {item["adapter"] for item in state["addresses"]} == {"vEthernet (Lab)"}
    assert "nats" not in state


def test_a_wired_pc_may_have_a_private_switch_beside_the_one_on_its_cable(tmp_path: Path) -> None:
    text = ONE_PC.read_text(encoding="utf-8").replace("nat: true", "nat: false").replace("198.51.100.10", "192.0.2.100")
    (tmp_path / "lab.yaml").write_text(text.replace("198.51.100.", "192.0.2."), encoding="utf-8")
    plan = Plan.of(tmp_path / "lab.yaml")
    state = begin(plan.lab, "pc1", address="192.0.2.11", prefix=24)
    types = {switch["name"]: switch["type"] for switch in state["switches"]}
    assert types == {"Lab": "External", "Lab Private": "Private"}
    assert (plan.behind_nat, nat.gateways("pc1", state)) == ((), ())


def test_a_lab_behind_nat_finds_a_laptop_on_wifi_that_is_its_gateway(laptop: Json) -> None:
    assert {switch["name"]: switch["type"] for switch in laptop["switches"]} == {
        "Lab Private": "Private",
        "Lab": "Internal",
    }
    assert [adapter["medium"] for adapter in laptop["adapters"] if adapter["physical"]] == ["Native 802.11"]
    assert {item["adapter"]: item["address"] for item in laptop["addresses"]} == {
        "Wi-Fi": "192.0.2.11",
        "vEthernet (Lab)": "198.51.100.1",
    }
    assert laptop["nats"] == [{"name": "lab-7e16", "cidr": "198.51.100.0/24"}]


def test_each_switch_of_a_laptop_is_a_bridge_of_its_own_and_none_is_the_lan(laptop: Json) -> None:
    private, internal = laptop["switches"]
    bridges = [bridge_of("pc1", private, 3), bridge_of("pc1", private, 4), bridge_of("pc1", internal, None)]
    assert len({*bridges, LAN_BRIDGE}) == 4
    assert [gateway.bridge for gateway in nat.gateways("pc1", laptop)] == bridges[2:]


def test_untagged_networks_of_two_pcs_are_the_lan_itself() -> None:
    external = {"type": "External", "id": "s"}
    assert {bridge_of(host, external, None) for host in ("pc1", "pc2")} == {LAN_BRIDGE}


def test_a_gateway_translates_both_ways_and_without_nat_lets_nothing_through(laptop: Json) -> None:
    (gateway,) = nat.gateways("pc1", laptop)
    rules = nat.ruleset([gateway])
    assert f'ip saddr 198.51.100.0/24 oifname != "{gateway.bridge}" masquerade' in rules
    assert f'ip saddr != 198.51.100.0/24 oifname "{gateway.bridge}" masquerade' in rules
    assert "drop" not in rules
    (closed,) = nat.gateways("pc1", {**laptop, "nats": []})
    rules = nat.ruleset([closed])
    assert f'iifname "{gateway.bridge}" ip daddr != 198.51.100.1 drop' in rules
    assert "masquerade" not in rules


def test_an_internal_switch_without_an_address_and_a_private_one_are_no_gateways(laptop: Json) -> None:
    assert nat.gateways("pc1", {**laptop, "addresses": laptop["addresses"][:1]}) == ()
    private = [switch for switch in laptop["switches"] if switch["type"] == "Private"]
    assert nat.gateways("pc1", {**laptop, "switches": private}) == ()


def test_the_rooms_kernel_is_touched_only_when_a_gateway_changes(laptop: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(network, "give_address", lambda bridge, address: done.append(f"give {address}"))
    monkeypatch.setattr(network, "take_address", lambda bridge, address: done.append(f"take {address}"))
    monkeypatch.setattr(nat, "run", lambda words, stdin: done.append(words[0]))
    monkeypatch.setattr(nat, "FORWARDING", Path("/dev/null"))
    translation = nat.Translation()
    translation.follow("pc2", begin(delivered("rehearsal"), "pc2", address="192.0.2.12", prefix=24))
    assert done == []
    translation.follow("pc1", laptop)
    translation.follow("pc1", laptop)
    assert done == ["give 198.51.100.1/24", "nft"]
    translation.follow("pc1", {**laptop, "switches": []})
    assert done[2:] == ["take 198.51.100.1/24", "nft"]


def test_a_pc_of_the_room_tells_its_fingerprint_and_one_without_a_certificate_says_so(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path / "cache")
    file = certificate.of_pc(HostState(tmp_path, "pc1").certificate, "PC1", "192.0.2.11")
    told = room.fingerprint(layout, "pc1")
    assert (len(told), told) == (95, certificate.fingerprint(file))
    with pytest.raises(RoomError, match="pc2 has no certificate"):
        room.fingerprint(layout, "pc2")


def test_a_pc_keeps_its_certificate_until_its_address_is_another(tmp_path: Path) -> None:
    file = tmp_path / "winrm.pem"
    first = certificate.of_pc(file, "PC1", "192.0.2.11").read_bytes()
    assert certificate.of_pc(file, "PC1", "192.0.2.11").read_bytes() == first
    assert certificate.of_pc(file, "PC1", "192.0.2.12").read_bytes() != first
    assert file.stat().st_mode & 0o077 == 0
