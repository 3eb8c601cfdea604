"""What a node says where something was waited for in vain: the causes that it knows of, in few lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labkit.project import ANSIBLE
from tests.unit.k8s.test_scripts import program, run

SCRIPT = ANSIBLE / "roles" / "node_says" / "files" / "node-says.sh"
CRICTL = r"""
case "$*" in
  *namespace=kube-system*) printf '%s\n' died ended-well ;;
  *namespace=*) ;;
  *" ps "*) echo of-a-student ;;
  *inspect*ended-well) echo 0 install-cni ;;
  *inspect*) echo 1 kube-apiserver ;;
  *logs*died) printf '%s\n' older 'E1 certificate has expired' >&2 ;;
  *logs*) echo "somebody's own" ;;
esac
"""
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not there")


@pytest.fixture
def told(tmp_path: Path) -> str:
    """What it says on a node on which everything went wrong."""
    audit = tmp_path / "audit.log"
    denial = "type=AVC msg=audit({seconds}.1:2): avc:  denied  {{ write }} for comm={name}\n"
    denials = denial.format(seconds=1, name="old") + denial.format(seconds=1 << 40, name="new")
    audit.write_text(denials, encoding="utf-8")
    script = tmp_path / "node-says.sh"
    script.write_text(SCRIPT.read_text("utf-8").replace("/var/log/audit/audit.log", str(audit)), encoding="utf-8")
    program(tmp_path, "timeout", 'shift; exec "$@"')
    program(tmp_path, "systemctl", "echo active")
    program(tmp_path, "journalctl", "printf '%s\n' 'I1 all is well' 'E1 no space left' 'E2 again'")
    program(tmp_path, "crictl", CRICTL)
    program(tmp_path, "df", "printf '%s\n' 'Use% Mounted on' ' 12% /' ' 97% /var'")
    return run(script, path=tmp_path).stdout


def test_it_names_errors_of_the_kubelet_dead_containers_denials_and_full_disks(told: str) -> None:
    assert told.splitlines() == [
        "kubelet:", "E1 no space left", "E2 again",
        "containers:", "kube-apiserver ended with 1", "older", "E1 certificate has expired",
        "denied by SELinux:", f"type=AVC msg=audit({1 << 40}.1:2): avc:  denied  {{ write }} for comm=new",
        "disks that are nearly full:", " 97% /var",
    ]  # fmt: skip


def test_a_kubelet_that_does_not_run_is_named_with_its_last_lines_and_what_is_well_is_not(tmp_path: Path) -> None:
    program(tmp_path, "timeout", 'shift; exec "$@"')
    program(tmp_path, "systemctl", "echo failed; exit 3")
    program(tmp_path, "journalctl", "echo 'exited with 1'")
    for silent in ("crictl", "df", "awk"):
        program(tmp_path, silent, "exit 1")
    assert run(SCRIPT, path=tmp_path).stdout == "kubelet:\nthe kubelet is failed\nexited with 1\n"
