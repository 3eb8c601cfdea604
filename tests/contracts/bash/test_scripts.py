"""The scripts on a machine of their own: what they change, that they change it once, and what they refuse."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from labkit.pxe import logs
from tests.contracts.bash import registry
from tests.contracts.bash.conftest import NGINX

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4Vg3xGdRfeHkOmt0FyHnCEzIYqQpN7oDzKz1cVqBcc"
GRUB = "/var/lib/tftpboot/grub/machines/02-7e-57-01-00-02.cfg"
TREE = "/tmp/tree/rocky"
NO_CACHE = "rm -rf /var/cache/lab/tree/*;"
FIREWALL = "firewall: MGMT is in the zone lab-mgmt, which lets in DHCP, TFTP and HTTP"


def checks(result: Any) -> list[list[str]]:
    """The rows of pxe-check.sh: result, seconds, what, why."""
    return [line.split("\t") for line in result.stdout.splitlines()]


def rows(result: Any) -> tuple[list[str], list[str]]:
    """What was changed and what was right already."""
    lines = result.stdout.splitlines()
    changed = [line.removeprefix("changed: ") for line in lines if line.startswith("changed: ")]
    ok = [line.removeprefix("ok: ") for line in lines if line.startswith("ok: ")]
    assert len(changed) + len(ok) == len(lines)
    return changed, ok


def test_from_nothing_to_a_checked_network_boot_and_a_second_run_changes_nothing(sandbox: Any) -> None:
    everything = ("pxe-packages.sh", "pxe-services.sh", "pxe-tree.sh", "pxe-publish.sh")
    for script in everything:
        changed, _ = rows(sandbox.script(script))
        assert changed
    assert "enable nginx" in sandbox.calls()
    checked = sandbox.script("pxe-check.sh", check=False)
    assert checked.returncode == 0, checked.stdout
    assert {row[0] for row in checks(checked)} == {"ok"}
    assert "TFTP shimx64.efi" in [row[2] for row in checks(checked)]
    assert sum(float(row[1]) for row in checks(checked)) > 0
    for script in everything:
        changed, ok = rows(sandbox.script(script))
        assert changed == []
        assert ok
    assert sandbox.calls() == []


def test_missing_packages_are_installed_in_one_call(sandbox: Any) -> None:
    sandbox.shell("touch /run/stub/rpm-nginx")
    changed, ok = rows(sandbox.script("pxe-packages.sh"))
    assert "package dnsmasq" in changed
    assert ok == ["package nginx"]
    assert len(sandbox.calls()) == 1


def test_a_service_that_does_not_start_is_told_with_its_last_words(sandbox: Any) -> None:
    sandbox.shell("mkdir -p /run/stub && touch /run/stub/dnsmasq.fails")
    told = sandbox.script("pxe-services.sh", check=False)
    assert told.returncode == 1
    assert "Address already in use" in told.stderr
    assert told.stderr.splitlines()[-1] == "error: dnsmasq does not run; above is what it said last"


# As dnsmasq up to 2.86 on Rocky Linux 9: it gives its new log to its own account, and SELinux then lets root open that
# file only by its group.
OLD_DNSMASQ = """#!/bin/bash
[[ " $* " == *" --test "* ]] && exit
log=/var/log/lab/dnsmasq.log
if [[ -e $log && $(stat --format=%U%A $log) != dnsmasq-????w* ]]; then
  echo "dnsmasq: cannot open log $log: Permission denied" >&2 && exit 3
fi
[[ -e $log ]] || install --mode=0640 --owner=dnsmasq --group=root /dev/null $log
"""


def test_dnsmasq_may_open_its_log_at_every_start_whoever_made_it(sandbox: Any) -> None:
    sandbox.put({"/opt/stubs/dnsmasq": OLD_DNSMASQ})
    sandbox.script("pxe-services.sh")
    assert "Permission denied" not in sandbox.shell("dnsmasq", check=False).stderr
    sandbox.shell("echo said >> /var/log/lab/dnsmasq.log")
    changed, _ = rows(sandbox.script("pxe-services.sh"))
    assert changed == []
    assert "said" in sandbox.shell("cat /var/log/lab/dnsmasq.log").stdout


def test_every_folder_on_the_way_gets_the_label_of_its_place(sandbox: Any) -> None:
    noted = '#!/bin/sh\necho "$@" >> /labels\n'
    rules = ("selinuxenabled", "semanage", "getsebool", "setsebool")
    sandbox.put({f"/opt/stubs/{name}": "#!/bin/sh\n" for name in rules} | {"/opt/stubs/restorecon": noted})
    sandbox.script("pxe-services.sh")
    labelled = {line.split()[-1] for line in sandbox.shell("cat /labels").stdout.splitlines()}
    made = set(sandbox.shell("find /srv/lab /var/lib/lab /var/lib/tftpboot /var/log/lab -type d").stdout.split())
    assert made <= labelled


def test_the_dvd_is_mounted_by_its_label_whatever_number_its_drive_has(sandbox: Any) -> None:
    link = "/dev/disk/by-label/Rocky-9-8-x86_64-dvd"
    sandbox.shell("sed -i 's/^PXE_TREE_URL=.*/PXE_TREE_URL=/' /opt/lab/pxe.env; mkdir -p /dev/disk")
    sandbox.shell("mount -t tmpfs tmpfs /dev/disk && mkdir /dev/disk/by-label && touch /dev/disk/by-label/OEMDRV")
    assert "no DVD of Rocky Linux 9" in sandbox.script("pxe-tree.sh", check=False).stderr
    sandbox.shell(f"ln -s ../../sr1 {link}")
    sandbox.script("pxe-tree.sh", check=False)
    assert f"What={link}\n" in sandbox.shell("cat /etc/systemd/system/srv-lab-rocky.mount").stdout


@pytest.mark.skipif(not shutil.which("logrotate"), reason="needs logrotate")
def test_logs_are_turned_over_and_the_last_of_each_is_still_read(sandbox: Any) -> None:
    sandbox.script("pxe-services.sh")
    told = {"/var/log/lab/dnsmasq.log": "660", "/var/log/nginx/lab.jsonl": "640"}
    rocky = "/var/log/nginx/*.log {\n  daily\n}\ndateext\ncompress\ninclude /etc/logrotate.d/lab\n"
    sandbox.put({"/tmp/logrotate.conf": rocky})
    for log in told:
        sandbox.shell(f"head --bytes=30M /dev/zero | tr '\\0' '\\n' >> {log}; echo before >> {log}")
    sandbox.shell("/usr/sbin/logrotate --state=/tmp/state /tmp/logrotate.conf")
    for log, mode in told.items():
        assert sandbox.shell(f"stat --format=%a {log}").stdout.strip() == mode
    sandbox.shell("curl --silent http://" + str(sandbox.lab.bootstrap.mgmt.address) + "/ks/w1.ks")
    read = sandbox.shell(f"cat {logs.STEPS}").stdout
    assert read.count("before\n") == 2
    assert "/ks/w1.ks" in read
    assert "/ks/w1.ks" in sandbox.shell("cat /var/log/nginx/lab.jsonl").stdout


def test_a_service_is_restarted_only_when_its_own_file_changed(sandbox: Any) -> None:
    sandbox.script("pxe-services.sh")
    sandbox.calls()
    sandbox.shell("echo '# more' >> /opt/lab/scripts/files/dnsmasq.conf")
    changed, _ = rows(sandbox.script("pxe-services.sh"))
    assert changed == ["/etc/dnsmasq.conf"]
    assert sandbox.calls() == ["restart dnsmasq"]
    sandbox.shell("echo '# more' >> /opt/lab/scripts/files/nginx.conf")
    sandbox.script("pxe-services.sh")
    assert sandbox.calls() == ["reload nginx"]
    sandbox.shell("echo '<!-- more -->' >> /opt/lab/scripts/files/lab-mgmt.xml")
    sandbox.script("pxe-services.sh")
    assert sandbox.calls() == ["firewall reload"]


def test_a_broken_configuration_never_replaces_one_that_works(sandbox: Any) -> None:
    sandbox.script("pxe-services.sh")
    for name, target in (("dnsmasq.conf", "/etc/dnsmasq.conf"), ("nginx.conf", "/etc/nginx/nginx.conf")):
        before = sandbox.shell(f"cat {target}").stdout
        sandbox.shell(
            f"cp /opt/lab/scripts/files/{name} /tmp/good; echo 'no such setting' >> /opt/lab/scripts/files/{name}"
        )
        result = sandbox.script("pxe-services.sh", check=False)
        assert result.returncode == 1
        assert f"{target} stays as it is" in result.stderr
        assert sandbox.shell(f"cat {target}").stdout == before
        sandbox.shell(f"cp /tmp/good /opt/lab/scripts/files/{name}")
    rows(sandbox.script("pxe-services.sh"))


def test_without_the_mgmt_address_nothing_is_opened(sandbox: Any) -> None:
    sandbox.shell("ip address flush dev mgmt; sysctl -qw net.ipv4.ip_nonlocal_bind=1")
    result = sandbox.script("pxe-services.sh", check=False)
    assert result.returncode == 1
    assert "no adapter of this machine has the MGMT address 10.190.86.11" in result.stderr


def test_a_boot_file_that_is_none_never_replaces_one_that_works(sandbox: Any) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-tree.sh")
    before = sandbox.shell("cat /var/lib/tftpboot/shimx64.efi").stdout
    sandbox.shell(f"{NO_CACHE} sleep 1.1; echo '<html>not found' > {TREE}/EFI/BOOT/BOOTX64.EFI")
    result = sandbox.script("pxe-tree.sh", check=False)
    assert result.returncode == 1
    assert "shimx64.efi stays as it is" in result.stderr
    assert sandbox.shell("cat /var/lib/tftpboot/shimx64.efi").stdout == before


def test_the_tree_is_served_from_the_cache_while_its_source_is_away(sandbox: Any) -> None:
    sandbox.script("pxe-services.sh")
    sandbox.shell("curl -sf http://10.190.86.11/rocky/images/pxeboot/initrd.img")
    sandbox.shell("mv /tmp/tree /tmp/away")
    assert sandbox.shell("curl -sf http://10.190.86.11/rocky/images/pxeboot/initrd.img").stdout == "initrd\n"
    assert sandbox.shell("curl -sf http://10.190.86.11/rocky/never-fetched", check=False).returncode != 0


def test_packages_of_a_source_that_sends_elsewhere_are_kept_while_it_is_away(sandbox: Any) -> None:
    sandbox.put({f"{TREE}/kept/v1.36/rpm/kubelet.rpm": "a package"})
    sandbox.start("source.py", "8098 to http://127.0.0.1:8099/rocky/kept")
    sandbox.scripts("pxe-packages.sh", "pxe-services.sh")
    fetch = "curl -sSf http://10.190.86.11/packages/kubernetes/v1.36/rpm/kubelet.rpm"
    assert sandbox.shell(fetch).stdout == "a package"
    sandbox.shell("pkill -f source.py")
    assert sandbox.shell(fetch).stdout == "a package"
    asked = [json.loads(line) for line in sandbox.shell("cat /var/log/nginx/packages.log").stdout.splitlines()]
    assert [row["cache"] for row in asked] == ["MISS", "HIT"]


def test_images_pass_through_with_their_registrys_token_and_are_kept_while_it_is_away(sandbox: Any) -> None:
    sandbox.shell(f"sed -i 's|https://registry-1.docker.io|http://127.0.0.1:8097|' {NGINX}")
    sandbox.start("registry.py", "8097")
    sandbox.scripts("pxe-packages.sh", "pxe-services.sh")
    image = "http://10.190.86.11/images/v2/library/nginx"
    paths = ("manifests/1.29", "blobs/sha256:55")
    wanted = " ".join(f"-o /dev/null '{image}/{path}?ns=docker.io'" for path in paths)
    told = "curl -s -w '%{http_code} %header{www-authenticate} %header{docker-content-digest}\\n'"
    assert sandbox.shell(f"{told} {wanted}").stdout.split("\n")[0].startswith('401 Bearer realm="http://127.0.0.1')
    with_token = sandbox.shell(f"{told} -H 'Authorization: Bearer pass' {wanted}").stdout
    index, layer = list(registry.image("library/nginx").values())[-1], b"layer"
    assert with_token.splitlines() == [f"200  {registry.digest(index)}", f"200  {registry.digest(layer)}"]
    sandbox.shell("pkill -f registry.py")
    assert sandbox.shell(f"{told} {wanted}").stdout == with_token
    assert sandbox.shell(f"curl -sSf '{image}/blobs/sha256:55?ns=docker.io'").stdout == "layer"
    strange = f"{told} -o /dev/null '{image}/manifests/1.29?ns=registry.example' -o /dev/null '{image}/manifests/1.29'"
    assert [line.split()[0] for line in sandbox.shell(strange).stdout.splitlines()] == ["404", "404"]


def test_a_source_whose_name_nobody_knows_keeps_nobody_else_from_being_served(sandbox: Any) -> None:
    sandbox.shell(f"sed -i 's|http://127.0.0.1:8098|https://nowhere.example|' {NGINX}")
    sandbox.scripts("pxe-packages.sh", "pxe-services.sh", "pxe-tree.sh")
    sandbox.shell("curl -sSf http://10.190.86.11/rocky/.treeinfo")


def test_http_is_offered_on_mgmt_alone_and_logs_events(sandbox: Any) -> None:
    sandbox.script("pxe-services.sh")
    assert sandbox.shell("curl -s http://127.0.0.1/event/cp1/kickstart", check=False).returncode == 7
    sandbox.shell("curl -sf --get --data-urlencode 'reason=a \"b\" c' http://10.190.86.11/event/cp1/failed")
    row = json.loads(sandbox.shell("tail -n 1 /var/log/nginx/lab.jsonl").stdout)
    assert row["client"] == "10.190.86.11"
    assert row["status"] == 204
    assert row["uri"].startswith("/event/cp1/failed?reason=a")


def test_arming_aims_one_machine_and_its_installation_disarms_it(sandbox: Any) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-publish.sh")
    assert "boots its own disk" in sandbox.shell(f"cat {GRUB}").stdout
    changed, _ = rows(sandbox.script("pxe-arm.sh cp1=0a1b2c3d"))
    assert changed == ["/var/lib/lab/armed/cp1", GRUB]
    assert "installing cp1" in sandbox.shell(f"cat {GRUB}").stdout
    record = json.loads(sandbox.shell("cat /var/lib/lab/armed/cp1").stdout)
    assert (record["machine"], record["disk"]) == ("cp1", "0a1b2c3d")
    assert rows(sandbox.script("pxe-publish.sh"))[0] == []  # publishing leaves armed machines armed
    changed, _ = rows(sandbox.script(f"pxe-installed.sh cp1 0a1b2c3d 10.190.86.12 '{KEY}'"))
    assert changed[0] == "/etc/ssh/ssh_known_hosts"
    assert "boots its own disk" in sandbox.shell(f"cat {GRUB}").stdout
    assert sandbox.shell("ls /var/lib/lab/armed /var/lib/lab/installed").stdout.split().count("cp1") == 1
    assert rows(sandbox.script(f"pxe-installed.sh cp1 0a1b2c3d 10.190.86.12 '{KEY}'"))[0] == []


def test_a_new_host_key_replaces_the_machines_old_one_alone(sandbox: Any) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-publish.sh")
    sandbox.script(f"pxe-installed.sh cp1 00000001 10.190.86.12 '{KEY}'")
    sandbox.script(f"pxe-installed.sh w1 00000002 10.190.86.13 '{KEY}'")
    sandbox.script(f"pxe-installed.sh cp1 00000003 10.190.86.12 '{KEY[:-2]}dd'")
    known = sandbox.shell("grep '^10[.]190' /etc/ssh/ssh_known_hosts").stdout.splitlines()
    assert known == [f"10.190.86.12 {KEY[:-2]}dd", f"10.190.86.13 {KEY}"]


def test_a_machine_that_is_not_described_is_neither_armed_nor_published(sandbox: Any) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-publish.sh")
    result = sandbox.script("pxe-arm.sh w9=0a1b2c3d", check=False)
    assert result.returncode == 1
    assert "there is no machine w9" in result.stderr
    sandbox.shell("touch /srv/lab/ks/w9.cfg /var/lib/tftpboot/grub/machines/02-7e-57-01-00-63.cfg")
    changed, _ = rows(sandbox.script("pxe-publish.sh"))
    assert changed == [
        "/srv/lab/ks/w9.cfg (removed)",
        "/var/lib/tftpboot/grub/machines/02-7e-57-01-00-63.cfg (removed)",
    ]


# What is broken -> the checks that fail, and no other.
BROKEN = {
    "rm /run/stub/dnsmasq": ["unit dnsmasq is active"],
    "rm /run/stub/nginx": ["unit nginx is active"],
    "rm /run/stub/firewalld": ["unit firewalld is active"],
    "echo public > /run/stub/zone-mgmt": [FIREWALL],
    "sed -i '/tftp/d' /etc/firewalld/zones/lab-mgmt.xml": [FIREWALL],
    "echo MZ other > /var/lib/tftpboot/shimx64.efi": ["TFTP shimx64.efi"],
    "rm /var/lib/tftpboot/grubx64.efi": ["TFTP grubx64.efi"],
    "echo '# by hand' > /var/lib/tftpboot/grub.cfg": ["TFTP grub.cfg"],
    "truncate --size=20 /var/lib/tftpboot/grub/grub.cfg": ["TFTP grub/grub.cfg"],
    "echo MZ older > /var/lib/tftpboot/images/vmlinuz": ["kernel, by TFTP and HTTP"],
    "rm /var/lib/tftpboot/images/initrd.img": ["initrd, by TFTP and HTTP"],
    f"echo broken > {GRUB}": ["TFTP GRUB file of cp1"],
    "touch /var/lib/lab/armed/w1": ["TFTP GRUB file of w1"],  # armed, and its file does not install
    "rm /srv/lab/ks/w2.cfg": ["HTTP kickstart of w2"],
    "echo 'text' > /srv/lab/ks/w2.cfg": ["HTTP kickstart of w2"],
    f"{NO_CACHE} sed -i 's/9.7/10.1/' {TREE}/.treeinfo": ["HTTP install tree"],
    f"{NO_CACHE} rm {TREE}/AppStream/repodata/repomd.xml": ["HTTP packages"],
}


@pytest.mark.parametrize("harm", BROKEN)
def test_the_check_names_what_is_broken_and_nothing_else(sandbox: Any, harm: str) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-tree.sh", "pxe-publish.sh")
    sandbox.shell(harm)
    result = sandbox.script("pxe-check.sh", check=False)
    failed = [row for row in checks(result) if row[0] == "failed"]
    assert [row[2] for row in failed] == BROKEN[harm]
    assert result.returncode == 1


def test_the_check_sees_wrong_labels(sandbox: Any) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-tree.sh", "pxe-publish.sh")
    words = '-V) ;; *w2*) echo "$path has context a, should be b" ;; *) echo "$path verified." ;;'
    says = f"for path; do case $path in {words} esac; done"
    sandbox.put({"/opt/stubs/selinuxenabled": "#!/bin/sh\n", "/opt/stubs/matchpathcon": f"#!/bin/sh\n{says}\n"})
    result = sandbox.script("pxe-check.sh", check=False)
    (failed,) = [row for row in checks(result) if row[0] == "failed"]
    assert failed[2] == "SELinux: what machines fetch has its labels"
    assert "/srv/lab/ks/w2.cfg has context a" in failed[3]


@pytest.mark.parametrize(("lan", "found"), [("apart", ["dhcp", "address"]), ("shared", ["address"])])
def test_the_check_sees_others_on_mgmt_and_on_the_lan_no_dhcp_server(sandbox: Any, lan: str, found: list[str]) -> None:
    sandbox.scripts("pxe-services.sh", "pxe-tree.sh", "pxe-publish.sh")
    lines = "dhcp 10.0.0.1 00:11:22:33:44:55 10.0.0.9\\naddress 10.190.86.13 00:11:22:33:44:55\\n"
    sandbox.put({"/opt/lab/scripts/pxe-probe.sh": f"#!/bin/sh\nprintf '{lines}'\n"})
    sandbox.shell(f"sed -i 's/^PXE_LAN=.*/PXE_LAN={lan}/' /opt/lab/pxe.env")
    (failed,) = [row for row in checks(sandbox.script("pxe-check.sh", check=False)) if row[0] == "failed"]
    assert failed[2].startswith("MGMT: ")
    assert [part.split()[0] for part in failed[3].removeprefix("error: ").split("; ")] == found
