"""What a student finds in a shell of the control plane, and crictl on each node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from labkit.project import ANSIBLE

PROFILE = ANSIBLE / "roles" / "kubeconfig" / "files" / "lab-kubectl.sh"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not there")
@pytest.mark.parametrize(
    ("shell", "expected"),
    [(["bash", "--norc", "-i", "-c"], "-F __start_kubectl k"), (["bash", "--norc", "-c"], ""), (["sh", "-c"], "")],
    ids=["interactive", "a script", "another shell"],
)
def test_kubectl_and_its_short_name_are_completed_where_somebody_types(shell: list[str], expected: str) -> None:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    command = f". {PROFILE}; complete -p k 2> /dev/null; alias k 2> /dev/null"
    done = subprocess.run([*shell, command], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert expected in done.stdout
    assert bool(done.stdout) is bool(expected)


def test_crictl_asks_the_socket_that_the_kubelet_asks() -> None:
    tasks = yaml.safe_load((ANSIBLE / "roles/containerd/tasks/main.yml").read_text(encoding="utf-8"))
    copies = [task["ansible.builtin.copy"] for task in tasks if "ansible.builtin.copy" in task]
    (file,) = [copy for copy in copies if copy["dest"] == "/etc/crictl.yaml"]
    endpoint = yaml.safe_load(file["content"])["runtime-endpoint"]
    assert f"criSocket: {endpoint}" in (ANSIBLE / "roles/join/templates/kubeadm-join.yaml.j2").read_text("utf-8")
