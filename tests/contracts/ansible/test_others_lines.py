"""Files of a machine in which others write too: theirs stays, the lab's own is there once."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.description.lab import Lab
from labkit.k8s.events import Run
from tests.contracts.ansible.begun import Begun

pytestmark = pytest.mark.network
PUBLIC = "/etc/firewalld/zones/public.xml"
INSTALLED = '<zone><short>Public</short><service name="ssh"/><service name="cockpit"/></zone>\n'
WHOLE = """\
# Written by Ansible (role hosts_file); a machine's name means its INTERNAL address, its name with -mgmt the MGMT one.
127.0.0.1 localhost localhost.localdomain localhost4 localhost4.localdomain4
::1 localhost localhost.localdomain localhost6 localhost6.localdomain6
10.190.87.11 bootstrap
10.190.86.11 bootstrap-mgmt
10.190.87.99 w9
10.190.86.99 w9-mgmt
"""


def prepare(begun: Begun, hosts: str) -> Run:
    """Two roles on w1, whose /etc/hosts says this."""
    (begun.seen / "hosts").write_text(hosts, encoding="utf-8")
    begun.around('install -m 0644 "$LAB_WORLD/hosts" /etc/hosts', "cat /etc/hosts")
    run = begun.play("2-prepare.yml", "w1", role="hosts_file,firewall")
    assert run.result == "success", run.failures
    return run


def told(begun: Begun) -> str:
    return (begun.seen / "told").read_text(encoding="utf-8")


def test_what_others_wrote_stays_and_an_older_labs_file_is_taken_over(begun: Begun, lab: Lab) -> None:
    begun.put(PUBLIC, content=INSTALLED)
    begun.file("/etc/firewalld/services").mkdir()  # as the package has it
    begun.world("running")
    prepare(begun, f"{WHOLE}192.0.2.7 printer\n")
    hosts = told(begun).splitlines()
    addresses = [f"{one.internal.address} {one.name}" for one in lab.machines]
    assert [hosts.count(line) for line in addresses] == [1] * len(addresses)
    assert [line for line in hosts if line.split()[-1] in ("w9", "w9-mgmt")] == []
    assert sum(line.startswith("127.0.0.1 ") for line in hosts) == 1
    assert "192.0.2.7 printer" in hosts
    zone = begun.file(PUBLIC).read_text(encoding="utf-8")
    assert "ssh" not in zone

    # as `firewall-cmd --permanent` writes it: its own layout, and no comment
    added = Path(begun.file(PUBLIC))
    lines = [line for line in zone.splitlines() if "<!--" not in line]
    added.write_text("\n".join([*lines[:-1], '  <port port="8080" protocol="tcp"/>', lines[-1]]), encoding="utf-8")
    after = told(begun) + "192.0.2.8 camera\n"
    assert not prepare(begun, after).changed
    assert told(begun) == after
    assert 'port="8080"' in added.read_text(encoding="utf-8")
