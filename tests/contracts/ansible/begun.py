"""A machine with a cluster that was begun: kubeadm's folders are the test's own, its programs are the stubs here.

A playbook runs in mounts and in a network of its own, so that nothing of this computer is read or written there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from labkit.k8s.events import Run

STUBS = Path(__file__).parent / "stubs"
PLAYBOOK = ("ansible-playbook", "--extra-vars", "ansible_connection=local")
OWN = ("/etc/dnf", "/etc/firewalld", "/etc/kubernetes", "/etc/yum.repos.d", "/var/lib/etcd", "/var/lib/kubelet")
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for place in /etc /var/cache /var/lib; do
  mkdir -p "/mnt/upper$place" "/mnt/work$place"
  mount -t overlay overlay -o "lowerdir=$place,upperdir=/mnt/upper$place,workdir=/mnt/work$place" "$place"
done
for place in $OWN; do
  mkdir -p "$place"
  mount --bind "$1$place" "$place"
done
ip link set lo up
if [ -e "$LAB_WORLD/api" ]; then
  /usr/bin/python3 -m http.server --bind 127.0.0.1 6443 > /dev/null 2>&1 &
fi
shift
[ ! -e "$LAB_WORLD/before" ] || . "$LAB_WORLD/before"
code=0
"$@" || code=$?
[ ! -e "$LAB_WORLD/after" ] || . "$LAB_WORLD/after" > "$LAB_WORLD/told"
exit "$code"
"""


def environment_of(folder: Path) -> dict[str, str]:
    """What a playbook of the tree in `folder` is run with."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder.parent),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_BECOME": "False",
        "ANSIBLE_NOCOLOR": "1",
    }


def told_by(events: Path) -> Run:
    """The run of which a file holds the events."""
    run = Run()
    for line in events.read_text(encoding="utf-8").splitlines():
        run.feed(line)
    return run


class Begun:
    """`put` and `world` make what was begun; `play` runs a playbook on it; `calls` is what the programs were asked."""

    def __init__(self, folder: Path, place: Path) -> None:
        self._folder, self._place = folder, place
        # Marks for the stubs, and what they saw.
        self.seen = place / "world"
        self.seen.mkdir()
        for path in OWN:
            Path(f"{place}{path}").mkdir(parents=True)

    def put(self, *paths: str, content: str = "something\n") -> None:
        """Make files on the machine."""
        for path in paths:
            assert path.startswith(OWN)
            file = self.file(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")

    def file(self, path: str) -> Path:
        return Path(f"{self._place}{path}")

    def world(self, *marks: str) -> None:
        """How the cluster is; the stub `kubectl` says what each mark means."""
        for mark in marks:
            (self.seen / mark).touch()

    def around(self, before: str, after: str) -> None:
        """Shell commands that run on the machine before a playbook and after it; `told` is what the latter printed."""
        (self.seen / "before").write_text(before, encoding="utf-8")
        (self.seen / "after").write_text(after, encoding="utf-8")

    def play(self, playbook: str, machine: str, *, role: str, **variables: object) -> Run:
        """One role of a playbook on one machine."""
        events = self._place / "events.jsonl"
        events.unlink(missing_ok=True)
        (self.seen / "calls").unlink(missing_ok=True)
        environment = environment_of(self._folder) | {"LAB_WORLD": str(self.seen), "LAB_EVENTS_FILE": str(events)}
        environment["OWN"] = " ".join(OWN)
        environment["PATH"] = f"{STUBS}:{environment['PATH']}"
        words = [*PLAYBOOK, playbook, "--limit", machine, "--tags", role, "--extra-vars", json.dumps(variables)]
        enter = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", BOOT, "boot"]
        done = subprocess.run(
            [*enter, str(self._place), *words],
            cwd=self._folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        run = told_by(events) if events.exists() else Run()
        run.result = "success" if done.returncode == 0 else "exit-code"
        assert run.hosts, done.stdout + done.stderr
        return run

    @property
    def calls(self) -> list[str]:
        """What of kubeadm and systemctl the last run used to change something."""
        file = self.seen / "calls"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
