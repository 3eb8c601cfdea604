"""What machines read, held by golden files for both releases, and by the programs that read it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.pxe import files
from labkit.render import render
from tests.golden import check
from tests.labs import DELIVERED, SMALL, delivered, golden, small, untagged

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGoldenGoldenGoldenGoldenGoldenGoldenGolden lab-7e57"
HOST_KEY = files.HostKey(
    "-----BEGIN KEY-----\nZ29sZGVu\n-----END KEY-----\n",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHostHostHostHostHostHostHostHostHostHost bootstrap",
)
RELEASES = (9, 10)
MACHINES = ("bootstrap", "cp1", "w1", "storage1")
KINDS = {
    "rehearsal": MACHINES,
    "one-pc-16gb": ("bootstrap", "cp1", "w1"),
    "one-pc-32gb": MACHINES,
}
EACH = [(name, machine) for name, machines in KINDS.items() for machine in machines]
OF_SMALL = [(name, machine) for name in SMALL for machine in ("bootstrap", "cp1")]


def of_release(lab: Lab, release: int) -> Lab:
    return replace(lab, rocky=lab.rocky.model_copy(update={"release": release}))


def kickstart_of(lab: Lab, name: str) -> str:
    machine = lab.machine(name)
    return files.kickstart(lab, machine, PUBLIC_KEY, HOST_KEY if machine == lab.bootstrap else None)


@pytest.mark.parametrize(
    ("lab_name", "machine", "release"),
    [(*one, release) for one in EACH for release in (RELEASES if one[0] == "rehearsal" else RELEASES[:1])],
)
def test_kickstart_matches_golden(lab_name: str, machine: str, release: int) -> None:
    name = golden(lab_name, f"kickstart/{machine}-rocky{release}.cfg")
    check(name, kickstart_of(of_release(delivered(lab_name), release), machine))


@pytest.mark.parametrize("release", RELEASES)
def test_anacondas_parser_accepts_each_kickstart_without_a_warning(release: int, tmp_path: Path) -> None:
    kickstarts = []
    for lab_name, machine in (*EACH, *OF_SMALL):
        described = small(lab_name) if lab_name in SMALL else delivered(lab_name)
        kickstarts.append(tmp_path / f"{lab_name} {machine}.cfg")
        kickstarts[-1].write_text(kickstart_of(of_release(described, release), machine))
    validator = str(Path(sys.executable).with_name("ksvalidator"))
    command = [validator, "-v", f"RHEL{release}", *map(str, kickstarts)]  # all at once: it takes long to start
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.count("Checking kickstart file") == len(kickstarts)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("described", ["lab", "untagged"])
@pytest.mark.parametrize("name", MACHINES)
def test_scripts_in_the_kickstart_pass_shellcheck(described: str, lab: Lab, name: str, tmp_path: Path) -> None:
    sections = list(scripts_of(kickstart_of(untagged() if described == "untagged" else lab, name)))
    assert len(sections) == (2 if name == "bootstrap" else 3)
    for number, text in enumerate(sections):
        (tmp_path / str(number)).write_text(f"#!/bin/sh\n{text}")
        result = subprocess.run(
            ["shellcheck", "--shell=sh", str(tmp_path / str(number))], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout


def scripts_of(kickstart: str) -> Iterator[str]:
    """The bodies of %pre, %post and %onerror."""
    for section in ("%pre", "%post", "%onerror"):
        for part in kickstart.split(f"\n{section}")[1:]:
            yield part.partition("\n")[2].partition("\n%end")[0] + "\n"


def test_only_external_leads_out(lab: Lab) -> None:
    lines = [line for line in kickstart_of(lab, "w1").splitlines() if line.startswith("network --device")]
    assert len(lines) == 3
    assert ["--gateway=" in line for line in lines] == [False, False, True]
    assert ["--nodefroute" in line for line in lines] == [True, True, False]
    assert all("--bindto=mac" in line for line in lines)


def test_a_kickstart_holds_no_password_and_no_private_key(lab: Lab) -> None:
    for machine in lab.installed_by_network:
        text = files.kickstart(lab, machine, PUBLIC_KEY)
        assert "PRIVATE KEY" not in text
        assert "--password" not in text
        assert "rootpw --lock" in text.splitlines()


def test_the_bootstrap_server_gets_the_host_key_made_for_it(lab: Lab) -> None:
    assert HOST_KEY.private in kickstart_of(lab, "bootstrap")


def test_packages_follow_the_roles(lab: Lab) -> None:
    node, storage = files.packages(lab, lab.machine("w1")), files.packages(lab, lab.machine("storage1"))
    assert {"kernel-modules-extra", "nfs-utils"} <= set(node)
    assert {"kernel-modules-extra", "nfs-utils"} & set(storage) == {"nfs-utils"}
    # Rocky 9 takes its Python 3.11 out of support first, and environment.sh prefers this one.
    assert "python3.12" in files.packages(lab, lab.bootstrap)
    assert "python3.12" not in files.packages(of_release(lab, 10), lab.bootstrap)


def test_the_trees_own_repositories_are_not_named_again(lab: Lab) -> None:
    assert [line for line in kickstart_of(lab, "w1").splitlines() if line.startswith("repo ")] == []


def test_a_machine_with_several_roles_gets_the_packages_of_each() -> None:
    both = files.packages(delivered("one-pc-16gb"), delivered("one-pc-16gb").control_plane)
    assert {"conntrack-tools", "xfsprogs"} <= set(both)
    assert len(both) == len(set(both))


@pytest.mark.parametrize("lab_name", DELIVERED)
def test_what_configures_the_bootstrap_server_and_what_grub_reads_match_golden(lab_name: str) -> None:
    lab = delivered(lab_name)
    for name in ("dnsmasq.conf", "nginx.conf", "lab-mgmt.xml", "srv-lab-rocky.mount", "lab.logrotate"):
        check(golden(lab_name, f"pxe/{name}"), files.services(lab)[name])
    check(golden(lab_name, "pxe/pxe.env"), files.environment(lab))
    check(golden(lab_name, "pxe/grub.cfg"), files.grub_dispatcher(lab))
    check(golden(lab_name, "pxe/cp1-install.cfg"), files.grub_install(lab, lab.control_plane))
    check(golden(lab_name, "pxe/cp1-local.cfg"), files.grub_local(lab, lab.control_plane))


def test_without_a_tree_url_nginx_serves_the_dvd(lab: Lab) -> None:
    dvd = replace(lab, rocky=lab.rocky.model_copy(update={"tree_url": None}))
    check("pxe/nginx-dvd.conf", files.services(dvd)["nginx.conf"])


def test_networks_on_one_wire_do_without_the_installers_dhcp_and_answer_arp_where_the_address_is() -> None:
    lab = untagged()
    assert lab.mixes_networks
    check("untagged/pxe/cp1-install.cfg", files.grub_install(lab, lab.control_plane))
    check("untagged/kickstart/cp1-rocky9.cfg", kickstart_of(lab, "cp1"))
    assert "arp_ignore" in kickstart_of(lab, "bootstrap")


@pytest.mark.parametrize("name", DELIVERED)
def test_networks_that_are_apart_take_their_addresses_by_dhcp(name: str) -> None:
    lab = delivered(name)
    assert not lab.mixes_networks
    assert "ip=dhcp" in files.grub_install(lab, lab.control_plane)
    assert "arp_ignore" not in kickstart_of(lab, "cp1")


def test_mgmt_untagged_beside_a_tagged_internal_is_on_externals_wire(lab: Lab) -> None:
    mgmt, internal, external = lab.networks
    assert replace(lab, networks=(replace(mgmt, vlan=None), internal, external)).mixes_networks


@pytest.mark.parametrize("described", ["lab", "untagged"])
def test_grub_script_check_accepts_the_grub_files(described: str, lab: Lab, tmp_path: Path) -> None:
    lab = untagged() if described == "untagged" else lab
    program = shutil.which("grub-script-check")
    if program is None:
        pytest.skip("no grub-script-check on the PATH")
    for text in (files.grub_dispatcher(lab), files.grub_install(lab, lab.control_plane)):
        (tmp_path / "grub.cfg").write_text(text)
        subprocess.run([program, str(tmp_path / "grub.cfg")], check=True)


def test_every_machine_has_its_branch_and_no_other_mac_is_answered(lab: Lab) -> None:
    dispatcher, dhcp = files.grub_dispatcher(lab), files.services(lab)["dnsmasq.conf"]
    for machine in lab.installed_by_network:
        assert (
            f'"{machine.mgmt.mac}" ]; then\n  configfile /grub/machines/{machine.mgmt.mac_dashed}.cfg\n' in dispatcher
        )
        assert f"dhcp-host={machine.mgmt.mac},{machine.mgmt.address},{machine.name}\n" in dhcp
    assert dhcp.count("dhcp-host=") == len(lab.installed_by_network)
    assert "dhcp-ignore=tag:!known\n" in dhcp


def test_a_variable_that_nobody_gives_is_an_error() -> None:
    with pytest.raises(Exception, match="'machine' is undefined"):
        render("grub-local.cfg.j2")
