"""What the stand-in installer writes into a system: adapters, accounts, settings, repositories."""

from __future__ import annotations

import configparser
import re
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from rehearsal.room.installer import keyfile, kickstart, media, system
from rehearsal.room.installer.errors import InstallError
from rehearsal.room.installer.kickstart import Link, Plan

ADAPTERS = {"eth0": "02:7e:57:01:00:03", "eth1": "02:7e:57:02:00:03"}
TEXT = """\
url --url=http://a/
network --hostname=w1
network --device=02:7e:57:01:00:03 --bindto=mac --bootproto=static --ip=10.0.0.13 --netmask=255.255.255.0 --nodefroute
rootpw --lock
user --name=lab --groups=wheel --gecos="the lab's account"
sshkey --username=lab "ssh-ed25519 AAAA lab's key"
firewall --enabled --ssh --port=6443:tcp
services --enabled=sshd --disabled=kdump
timezone Europe/Berlin --utc
timesource --ntp-server=10.0.0.11
selinux --permissive
zerombr
autopart
%packages
%end
"""


def plan(text: str = TEXT) -> Plan:
    return kickstart.plan(text, 9)


def link(**changes: object) -> Link:
    values = {
        "device": "eth0", "address": IPv4Interface("10.0.0.13/24"), "gateway": "10.0.0.1", "nameservers": ("10.0.0.1",),
        "is_default_route": True, "on_boot": True, "activate": True, "has_ipv6": False, "mtu": None,
    }  # fmt: skip
    return Link(**(values | changes))  # type: ignore[arg-type]


def read(text: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read_string(text)
    return parsed


def test_a_keyfile_binds_the_address_to_the_mac() -> None:
    parsed = read(keyfile.text(link(), "eth0", "02:7e:57:01:00:03"))
    assert parsed["ethernet"]["mac-address"] == "02:7E:57:01:00:03"
    assert parsed["ipv4"]["address1"] == "10.0.0.13/24,10.0.0.1"
    assert parsed["ipv6"]["method"] == "disabled"


def test_a_network_without_default_route_gets_no_gateway() -> None:
    parsed = read(keyfile.text(link(is_default_route=False), "eth0", "02:7e:57:01:00:03"))
    assert parsed["ipv4"]["address1"] == "10.0.0.13/24"
    assert parsed["ipv4"]["never-default"] == "true"


def test_a_leased_address_is_left_to_dhcp() -> None:
    assert read(keyfile.text(link(address=None), "eth0", "02:7e:57:01:00:03"))["ipv4"]["method"] == "auto"


def test_files_of_the_new_system_follow_the_kickstart(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/chrony.conf").write_text("pool 2.rocky.pool.ntp.org iburst\ndriftfile /x\n")
    system.write_files(plan(), tmp_path, ADAPTERS)
    assert (tmp_path / "etc/hostname").read_text() == "w1\n"
    assert (tmp_path / "etc/localtime").readlink() == Path("../usr/share/zoneinfo/Europe/Berlin")
    assert (tmp_path / "etc/selinux/config").read_text().startswith("SELINUX=permissive\n")
    assert (tmp_path / "etc/chrony.conf").read_text() == "server 10.0.0.11 iburst\ndriftfile /x\n"
    assert " swap " in (tmp_path / "etc/fstab").read_text()
    profile = tmp_path / "etc/NetworkManager/system-connections/eth0.nmconnection"
    assert profile.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in profile.parent.iterdir()] == ["eth0.nmconnection"]


def test_each_installation_has_an_identity_of_its_own_also_on_the_same_vm(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    seen = set()
    for _ in range(2):
        system.write_files(plan(), tmp_path, ADAPTERS)
        seen.add((tmp_path / "etc/machine-id").read_text())
    assert len(seen) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}\n", each) for each in seen)


def test_an_adapter_that_the_machine_lacks_stops_the_installation(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    with pytest.raises(InstallError, match="no such adapter"):
        system.write_files(plan(), tmp_path, {"eth0": "02:00:00:00:00:99"})


def test_accounts_keys_and_services_become_commands() -> None:
    script = system.commands(plan())
    assert "useradd --create-home --comment 'the lab'\"'\"'s account' --groups wheel lab\n" in script
    assert "passwd --quiet --lock lab\n" in script
    assert "usermod --lock root\n" in script
    assert "add_key lab /home/lab/.ssh/authorized_keys 'ssh-ed25519 AAAA lab'\"'\"'s key'\n" in script
    assert "systemctl --quiet disable kdump\nsystemctl --quiet enable sshd\n" in script
    assert "firewall-offline-cmd --quiet --add-service=ssh --add-port=6443/tcp\n" in script


def test_without_a_key_in_the_kickstart_no_key_is_written() -> None:
    assert "authorized_keys" not in system.commands(
        plan("".join(TEXT.splitlines(True)[:5] + TEXT.splitlines(True)[6:]))
    )


TREEINFO = "[release]\nversion = 9.7\n[variant-BaseOS]\nid = BaseOS\nrepository = BaseOS\n"


def test_repositories_are_the_trees_own_and_those_of_repo_lines() -> None:
    with_repo = plan(TEXT + "repo --name=extra --baseurl=http://b/extra\n")
    found = media.repositories(with_repo, "http://a/rocky/", TREEINFO)
    assert found == {"BaseOS": "http://a/rocky/BaseOS", "extra": "http://b/extra"}
    assert read(media.dnf_configuration(found))["extra"]["baseurl"] == "http://b/extra"


def test_the_release_is_the_trees() -> None:
    assert media.release(TREEINFO) == 9
    with pytest.raises(InstallError, match="names no release"):
        media.release("[release]\nname = Rocky\n")
    with pytest.raises(InstallError, match="cannot be read"):
        media.release("<html>")
