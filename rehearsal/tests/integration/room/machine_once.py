"""Boots one bare machine of the room, lets it run a script of probes, and waits until it has powered itself off.

Usage: machine_once.py FOLDER; run by the test in namespaces of its own. FOLDER/probes holds shell scripts; what the
machine made of each is left in FOLDER/answers under the same name, FOLDER/exit is nspawn's exit code.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from rehearsal.room import base, disk, network
from rehearsal.room.layout import Layout
from rehearsal.room.machine import Container

RUNNER = """\
#!/bin/bash
for probe in /probes/*; do
  bash "$probe" > "/answers/${probe##*/}" 2>&1
  echo "exit $?" >> "/answers/${probe##*/}"
done
systemctl poweroff
"""
UNIT = """\
[Unit]
After=multi-user.target
[Service]
ExecStart=/runner
[Install]
WantedBy=multi-user.target
"""


def main(folder: Path) -> None:
    root, namespace = folder / "root", folder / "netns"
    for layer in ("upper", "work"):
        (folder / "layers" / layer).mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    disk.mount_layers(base.image(Layout.default().cache), folder / "layers", root)
    (root / "etc/fstab").write_text("/dev/mapper/rl-swap none swap defaults 0 0\n", encoding="utf-8")
    (root / "etc/sysctl.d/10-test.conf").write_text("vm.swappiness = 7\nnet.ipv4.ip_forward = 1\n", encoding="utf-8")
    (root / "etc/modules-load.d/test.conf").write_text("# comment\nbr_netfilter\n", encoding="utf-8")
    (root / "etc/selinux").mkdir(exist_ok=True)
    (root / "etc/selinux/config").write_text("SELINUX=enforcing\n", encoding="utf-8")
    shutil.copytree(folder / "probes", root / "probes")
    (root / "answers").mkdir()
    (root / "runner").write_text(RUNNER, encoding="utf-8")
    (root / "runner").chmod(0o755)
    (root / "etc/systemd/system/probes.service").write_text(UNIT, encoding="utf-8")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "probes.service").symlink_to("/etc/systemd/system/probes.service")
    network.make_namespace(namespace)
    disks = folder / "disks.json"
    disks.write_text(json.dumps([{"name": "sda", "size": 40 * 1024**3}]), encoding="utf-8")
    binds = ((disks, "/run/rehearsal/disks.json"),)
    container = Container("probed", root, namespace, "6b1f0b1e-0000-4000-8000-000000000001", binds)
    with (folder / "console").open("wb") as console:
        code = subprocess.run(
            container.boot(), stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False
        ).returncode
    shutil.copytree(root / "answers", folder / "answers")
    (folder / "exit").write_text(str(code), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
