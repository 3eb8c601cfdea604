"""A machine of the room is its own: swap, modules, sysctls, SELinux, disks; and it cannot act on the host.

One bare machine is booted (systemd-nspawn, a few seconds), asks itself the questions below, and powers itself off.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.room import base, system
from rehearsal.room.layout import Layout

pytestmark = [pytest.mark.boot, pytest.mark.timeout(600)]
SCRIPT = Path(__file__).with_name("machine_once.py")

PROBES = {
    "10-swap-at-boot": "swapon --show=NAME --noheadings; tail -n +2 /proc/swaps | awk '{ print $1 }'",
    "11-swap-off": "swapoff --all; swapon --show=NAME --noheadings; tail -n +2 /proc/swaps",
    "12-swap-on-again": "swapon --all && swapon --show=NAME --noheadings",
    "20-module-at-boot": "lsmod | awk '{ print $1 }' | grep -x br_netfilter",
    "21-module-loads-once": "modprobe --all --verbose overlay br_netfilter",
    "22-module-unloads": "modprobe -r overlay; lsmod | grep -c overlay",
    "23-module-not-in-kernel": "modprobe no_such_module",
    "30-sysctl-at-boot": "sysctl --values vm.swappiness net.ipv4.ip_forward; cat /proc/sys/net/ipv4/ip_forward",
    "31-sysctl-own": "sysctl -w vm.overcommit_memory=2; sysctl --values vm.overcommit_memory",
    "32-sysctl-unknown": "sysctl -w vm.no_such_key=1",
    "33-sysctl-shared": "echo 2 > /proc/sys/vm/overcommit_memory",
    "40-clock": "date -s 2001-01-01",
    "42-clock-step-without-chronyd": "/usr/lib/rehearsal/hidden/usr/bin/chronyc makestep",
    "41-kernel-module": "/usr/bin/kmod insmod /dev/null",
    "50-selinux": "getenforce; setenforce 0; getenforce; sestatus | grep -c enforcing",
    "51-selinux-boolean": "setsebool -P httpd_can_network_connect on; getsebool httpd_can_network_connect",
    "60-disks": "lsblk --noheadings --raw --bytes --paths --nodeps --output NAME,TYPE,SIZE",
    "61-disk-unknown": "lsblk /dev/vda",
    "70-face": ". /etc/os-release; echo $ID $VERSION_ID; command -v apt dpkg apt-get",
    "71-hidden": "command -v chronyd chronyc nmcli sshd nginx dnsmasq containerd semanage sudo",
    "72-identity": "cat /etc/machine-id; systemd-detect-virt --container; hostname",
    # with a file of this kernel in the place of the firmware's, which not every host has
    "73-own-uuid": "tr '\\0' '\\n' < /proc/1/environ | sed -n 's/^container_uuid=//p' > /run/u; "
    "mount --bind /run/u /sys/kernel/notes && cat /sys/kernel/notes",
    "80-nfs": "mkdir -p /mnt/nfs; mount -t nfs4 192.0.2.1:/x /mnt/nfs",
    "81-pod": "unshare --mount --pid --uts --fork --net ip link set lo up && "
    "ip link add name pod0 type veth peer name pod1 && echo fine",
    "82-pod-root": "mkdir -p /run/p /mnt/p; mount -t tmpfs t /run/p; mkdir /run/p/u /run/p/w; "
    "mount -t overlay o -o lowerdir=/,upperdir=/run/p/u,workdir=/run/p/w /mnt/p && test -e /mnt/p/etc && echo fine",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the machine answered: lines, the last one `exit CODE`."""
    if os.geteuid() != 0:
        pytest.skip("a machine of the room needs root")
    system.require_debian()
    base.image(Layout.default().cache)
    folder = tmp_path_factory.mktemp("machine")
    (folder / "probes").mkdir()
    for name, script in PROBES.items():
        (folder / "probes" / name).write_text(script + "\n", encoding="utf-8")
    isolate = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    result = subprocess.run(
        [*isolate, sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr + (folder / "console").read_text(errors="replace")
    assert (folder / "exit").read_text() == "0"  # it powered itself off
    found = (folder / "answers").iterdir()
    return {path.name: path.read_text(encoding="utf-8").splitlines() for path in found}


def test_swap_is_the_machines_own(answers: dict[str, list[str]]) -> None:
    assert answers["10-swap-at-boot"][:2] == ["/dev/mapper/rl-swap"] * 2
    assert answers["11-swap-off"] == ["exit 0"]
    assert answers["12-swap-on-again"] == ["/dev/mapper/rl-swap", "exit 0"]


def test_modules_are_loaded_per_machine_and_only_those_that_the_kernel_has(answers: dict[str, list[str]]) -> None:
    assert answers["20-module-at-boot"] == ["br_netfilter", "exit 0"]
    assert answers["21-module-loads-once"] == [f"insmod /lib/modules/{platform.release()}/kernel/overlay.ko", "exit 0"]
    assert answers["22-module-unloads"][0] == "0"
    assert answers["23-module-not-in-kernel"][0].startswith("modprobe: FATAL: Module no_such_module not found")
    assert answers["23-module-not-in-kernel"][-1] == "exit 1"


def test_sysctls_of_the_network_are_real_and_the_others_the_machines_own(answers: dict[str, list[str]]) -> None:
    assert answers["30-sysctl-at-boot"] == ["7", "1", "1", "exit 0"]
    assert answers["31-sysctl-own"] == ["vm.overcommit_memory = 2", "2", "exit 0"]
    assert "No such file" in answers["32-sysctl-unknown"][0]
    assert answers["33-sysctl-shared"][-1] == "exit 1"


def test_clock_and_kernel_are_out_of_reach(answers: dict[str, list[str]]) -> None:
    assert "Operation not permitted" in answers["40-clock"][0]
    assert answers["41-kernel-module"][-1] == "exit 1"
    assert answers["42-clock-step-without-chronyd"] == ["506 Cannot talk to daemon", "exit 1"]


def test_selinux_remembers_what_it_is_told(answers: dict[str, list[str]]) -> None:
    assert answers["50-selinux"] == ["Enforcing", "Permissive", "1", "exit 0"]
    assert answers["51-selinux-boolean"][0] == "httpd_can_network_connect --> on"


def test_only_the_machines_own_disks_are_listed(answers: dict[str, list[str]]) -> None:
    assert answers["60-disks"] == [f"/dev/sda disk {40 * 1024**3}", "exit 0"]
    assert answers["61-disk-unknown"] == ["lsblk: vda: not a block device", "exit 32"]


def test_it_presents_itself_as_rocky_with_nothing_installed(answers: dict[str, list[str]]) -> None:
    assert answers["70-face"][0].startswith("rocky 9")
    assert answers["70-face"][1:] == ["exit 1"]
    assert answers["71-hidden"] == ["exit 1"]


def test_it_is_told_apart_by_its_vm(answers: dict[str, list[str]]) -> None:
    assert answers["72-identity"][:2] == ["6b1f0b1e000040008000000000000001", "systemd-nspawn"]
    assert answers["73-own-uuid"] == ["6b1f0b1e-0000-4000-8000-000000000001", "exit 0"]


def test_pods_can_be_made_and_nfs_is_really_tried(answers: dict[str, list[str]]) -> None:
    assert answers["81-pod"] == ["fine", "exit 0"]
    assert answers["82-pod-root"] == ["fine", "exit 0"]
    assert answers["80-nfs"][-1] != "exit 0"
