"""What the stand-in installer reads from a kickstart, and what it refuses."""

from __future__ import annotations

import pytest

from labkit.description.lab import Lab
from labkit.pxe import files
from rehearsal.room.installer import kickstart
from rehearsal.room.installer.errors import InstallError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8 lab"
DISK = "ignoredisk --only-use=sda\nclearpart --all --initlabel --drives=sda\n"
SMALL = "url --url=http://a/\nrootpw --lock\nuser --name=u\nzerombr\nautopart --noswap\n%packages\n%end\n"


def rendered(lab: Lab, machine: str = "w1") -> str:
    text = files.kickstart(lab, lab.machine(machine), KEY)
    return kickstart.expand(text, lambda path: DISK)


def test_the_labs_own_kickstart_says_everything_the_machine_becomes(lab: Lab) -> None:
    machine = lab.machine("w1")
    plan = kickstart.plan(rendered(lab), lab.rocky.release)
    assert plan.hostname == "w1"
    assert [link.device for link in plan.links] == [interface.mac for interface in machine.interfaces]
    assert [link.address.ip for link in plan.links if link.address] == [i.address for i in machine.interfaces]
    assert [link.is_default_route for link in plan.links] == [False, False, True]
    assert [account.name for account in plan.accounts] == [lab.machine_user]
    assert plan.accounts[0].is_locked
    assert plan.keys == {lab.machine_user: (KEY,)}
    assert plan.root_password is None
    assert {"@core", "chrony", "openssh-server"} <= set(plan.packages)
    assert plan.disks == ("sda",)
    assert not plan.swap
    assert plan.selinux == "enforcing"
    assert plan.end == "reboot"


@pytest.mark.parametrize("release", [9, 10])
def test_both_releases_accept_the_labs_kickstart(lab: Lab, release: int) -> None:
    assert kickstart.plan(rendered(lab, "storage1"), release).hostname == "storage1"


def test_sections_are_found_before_the_file_that_pre_will_write_exists(lab: Lab) -> None:
    text = files.kickstart(lab, lab.machine("w1"), KEY)
    assert [script.kind for script in kickstart.scripts(text, 9)] == ["pre", "post", "onerror"]


def test_include_lines_become_the_files_content() -> None:
    nested = {"/tmp/a": "first\n%include /tmp/b\n", "/tmp/b": "second"}
    assert kickstart.expand("%include /tmp/a\nlast\n", nested.__getitem__) == "first\nsecond\n\nlast\n"


def test_a_file_that_pre_did_not_write_stops_the_installation() -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    with pytest.raises(InstallError, match=r"/tmp/lab-disk\.ks: No such file"):
        kickstart.expand("%include /tmp/lab-disk.ks\n", missing)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("autopart --noswap\n", ""), "no partitioning"),
        (("rootpw --lock\nuser --name=u\n", ""), "nobody could enter"),
        (("zerombr\n", ""), "clearpart or zerombr is missing"),
        (("zerombr\n", "zerombr\nfrobnicate --all\n"), "the kickstart is wrong"),
        (("autopart --noswap", "autopart --noswop"), "noswop"),
    ],
)
def test_what_anaconda_would_stop_at_is_refused(change: tuple[str, str], reason: str) -> None:
    kickstart.plan(SMALL, 9)
    with pytest.raises(InstallError, match=reason):
        kickstart.plan(SMALL.replace(*change), 9)


def test_autopart_makes_swap_unless_told_not_to() -> None:
    assert kickstart.plan(SMALL.replace(" --noswap", ""), 9).swap


def test_a_kickstart_without_reboot_leaves_the_machine_waiting() -> None:
    assert kickstart.plan(SMALL, 9).end == "wait"
    assert kickstart.plan(SMALL + "poweroff\n", 9).end == "poweroff"


def test_an_environment_group_replaces_the_core_group() -> None:
    text = SMALL.replace("%packages\n", "%packages\n@^minimal-environment\ntar\n-rsync\n")
    plan = kickstart.plan(text, 9)
    assert plan.packages == ("@^minimal-environment", "tar")
    assert plan.excluded == ("rsync",)
