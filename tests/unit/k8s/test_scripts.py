"""The small scripts that run on the machines; the programs they call are replaced by ones that answer from a table."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.project import ANSIBLE

UNIT = ANSIBLE / "unit"
FIND = ANSIBLE / "roles" / "nfs_server" / "files" / "find-data-disk.sh"
GIB = 1024**3
LAST = "configmap/kubeadm-config daemonset/kube-proxy deployment/coredns"
LEFT = "left\twhat a join or an init that broke off has left"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not there")


def run(script: Path, *arguments: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{path}:{os.environ['PATH']}", **variables}
    command = ["bash", str(script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def program(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
    file.chmod(0o755)


def moved(name: str, folder: Path, *files: str) -> Path:
    """A script of ansible/unit that finds the cluster's files below `folder`; these of /etc/kubernetes are there."""
    text = (UNIT / name).read_text(encoding="utf-8")
    for path in ("/etc/kubernetes", "/var/lib/etcd", "/srv/nfs"):
        text = text.replace(path, f"{folder}{path}")
    for file in (folder / "etc/kubernetes" / held for held in files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("something\n", encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def disks(
    folder: Path, rows: list[tuple[str, str, int]], *, label: str = "", signed: str = "", parts: str = ""
) -> None:
    """Machines' disks: rows are (device, type, bytes); `signed` carries a signature, `parts` has partitions."""
    listing = "\n".join(" ".join(map(str, row)) for row in rows)
    program(folder, "blkid", f"[[ -n '{label}' ]] && echo '{label}'")
    program(folder, "wipefs", f'[[ "$2" != "{signed}" ]] || echo "0x0 ext4"')
    partitions = f'echo sd; [[ "${{@: -1}}" != "{parts}" ]] || echo sd1'
    program(folder, "lsblk", f'if [[ $* == *--nodeps* ]]; then echo "{listing}"; else {partitions}; fi')


def find(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(FIND, "lab-7e57", "100", path=folder)


def test_a_disk_with_the_labs_label_is_used_as_it_is(tmp_path: Path) -> None:
    disks(tmp_path, [("/dev/sda", "disk", 40 * GIB), ("/dev/sdb", "disk", 100 * GIB)], label="/dev/sdb")
    assert find(tmp_path).stdout == "ready /dev/sdb\n"


def test_the_one_blank_disk_of_the_right_size_is_taken_whatever_its_name(tmp_path: Path) -> None:
    disks(tmp_path, [("/dev/sda", "disk", 100 * GIB), ("/dev/sdb", "disk", 40 * GIB), ("/dev/sr0", "rom", 100 * GIB)])
    assert find(tmp_path).stdout == "blank /dev/sda\n"


@pytest.mark.parametrize("mark", ["signed", "parts"])
def test_a_disk_that_carries_anything_is_never_blank(tmp_path: Path, mark: str) -> None:
    disks(tmp_path, [("/dev/sda", "disk", 100 * GIB)], **{mark: "/dev/sda"})
    done = find(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "0 blank disks have 100 GiB" in done.stderr


def test_two_blank_disks_are_not_chosen_between(tmp_path: Path) -> None:
    disks(tmp_path, [("/dev/sda", "disk", 100 * GIB), ("/dev/sdb", "disk", 100 * GIB)])
    done = find(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "2 blank disks have 100 GiB (/dev/sda /dev/sdb)" in done.stderr


def test_the_end_of_a_run_is_an_event(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    run(UNIT / "record-end.sh", str(events), path=tmp_path, SERVICE_RESULT="exit-code", EXIT_STATUS="2")
    row = json.loads(events.read_text(encoding="utf-8"))
    assert (row["event"], row["result"], row["status"]) == ("end", "exit-code", "2")


def test_following_prints_all_events_and_ends_with_the_unit(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text("one\ntwo\n", encoding="utf-8")
    # active at the first look; by the second one the run has written its last line and is over
    program(
        tmp_path,
        "systemctl",
        f"if [[ -e {tmp_path}/looked ]]; then echo inactive; exit 3; fi\n"
        f"touch {tmp_path}/looked; echo three >> {events}; echo active",
    )
    assert run(UNIT / "follow.sh", str(events), path=tmp_path).stdout == "one\ntwo\nthree\n"


@pytest.mark.parametrize(("active", "code"), [("true", 3), ("false", 4)])
def test_a_run_is_not_started_beside_another_or_without_ansible(tmp_path: Path, active: str, code: int) -> None:
    program(tmp_path, "systemctl", active)
    program(tmp_path, "systemd-run", f"touch {tmp_path}/started")
    done = run(UNIT / "start.sh", "lab", "10", "k8s.cni", "cni.yml", path=tmp_path)
    assert done.returncode == code
    assert not (tmp_path / "started").exists()


def test_what_a_broken_machine_cannot_tell_keeps_no_other_log_from_being_told(tmp_path: Path) -> None:
    program(tmp_path, "journalctl", 'echo "journal: $*"')
    program(tmp_path, "timeout", 'shift; exec "$@"')  # this computer may be busier than a machine
    for broken in ("crictl", "systemctl", "df", "ip", "free", "grep"):
        program(tmp_path, broken, f"echo {broken} is broken >&2; exit 1")
    done = run(ANSIBLE / "unit" / "evidence.sh", "7", path=tmp_path)
    told = [line.removeprefix("==> ") for line in done.stdout.splitlines() if line.startswith("==> ")]
    assert told == [
        "system", "services of the lab", "units that failed", "kubelet", "containerd", "crictl: containers",
        "crictl: pods", "refused by SELinux (AVC)", "the kernel's warnings",
    ]  # fmt: skip
    assert "journal: --unit=kubelet --lines=7 " in done.stdout
    assert done.stdout.count("crictl is broken\n(ended with 1)\n") == 2
    assert (done.returncode, done.stderr.count("grep")) == (0, 0)


def test_stored_volumes_are_listed_two_levels_deep_with_their_sizes(tmp_path: Path) -> None:
    folder = tmp_path / "srv"
    (folder / "shop" / "my db" / "deeper").mkdir(parents=True)
    (folder / "shop" / "my db" / "rows").write_bytes(b"x" * 4096)
    (folder / "by-hand.txt").write_text("note", encoding="utf-8")
    (folder / "empty").mkdir()
    done = run(UNIT / "volumes.sh", str(folder), path=tmp_path)
    rows = dict(line.split("\t") for line in done.stdout.splitlines())
    assert set(rows) == {"by-hand.txt", "shop/my db"}
    assert int(rows["shop/my db"]) >= 4
    assert run(UNIT / "volumes.sh", str(tmp_path / "nowhere"), path=tmp_path).stdout == ""


@pytest.mark.parametrize("name", ["lab-verify-00c0de", "shop", "lab-verify-00c0de/../shop", "", ".", "lab-verify-x"])
def test_nothing_but_the_folder_of_one_verification_is_removed(tmp_path: Path, name: str) -> None:
    script = moved("remove-verification.sh", tmp_path)
    for folder in ("lab-verify-00c0de", "lab-verify-c0ffee", "shop"):
        (tmp_path / "srv/nfs" / folder / "data").mkdir(parents=True)
    done = run(script, name, path=tmp_path)
    kept = {path.name for path in (tmp_path / "srv/nfs").iterdir()}
    if name == "lab-verify-00c0de":
        assert (done.returncode, kept) == (0, {"lab-verify-c0ffee", "shop"})
        assert run(script, name, path=tmp_path).returncode == 0
    else:
        assert (done.returncode, len(kept)) == (2, 3)
        assert "is no namespace of a verification" in done.stderr


def test_a_probe_of_an_unknown_stage_says_so(tmp_path: Path) -> None:
    done = run(UNIT / "probe.sh", "k8s.dance", "tree", "w1", path=tmp_path)
    assert done.stdout == "there is no stage k8s.dance\n"


@pytest.mark.parametrize(("up", "said"), [("true", ""), ("false", "kubelet does not run\n")])
def test_a_probe_of_membership_asks_unit_and_api(tmp_path: Path, up: str, said: str) -> None:
    program(tmp_path, "systemctl", up)
    program(tmp_path, "kubectl", "true")
    script = moved("probe.sh", tmp_path, "kubelet.conf")
    assert run(script, "k8s.join", "tree", "w1", path=tmp_path).stdout == said


@pytest.mark.parametrize(("knows", "is_done"), [("*", True), ("*/readyz*", False)])
def test_a_probe_of_the_control_plane_asks_for_what_kubeadm_makes_last(
    tmp_path: Path, knows: str, is_done: bool
) -> None:
    """/readyz is ok for anybody as soon as the API server runs, in the middle of `kubeadm init`."""
    program(tmp_path, "systemctl", "true")
    program(tmp_path, "kubectl", f'echo "$*" >> {tmp_path}/asked; [[ "$*" == {knows} ]]')
    script = moved("probe.sh", tmp_path, "admin.conf")
    said = run(script, "k8s.control-plane", "tree", "cp1", path=tmp_path).stdout
    assert (said == "") is is_done
    assert LAST in (tmp_path / "asked").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), []),
        (("kubelet.conf", "pki/ca.crt"), ["member\tits membership in the cluster"]),
        (("pki/ca.crt",), [LEFT]),
        (("bootstrap-kubelet.conf",), [LEFT]),
        (("admin.conf", "pki/ca.crt"), ["control-plane\tthe cluster's administration and certificates"]),
    ],
)
def test_members_names_what_a_machine_holds_of_a_cluster(
    tmp_path: Path, files: tuple[str, ...], said: list[str]
) -> None:
    assert run(moved("members.sh", tmp_path, *files), path=tmp_path).stdout.splitlines() == said


def test_a_cluster_says_what_it_was_made_with_though_its_api_server_does_not_run(tmp_path: Path) -> None:
    manifests = tmp_path / "etc/kubernetes/manifests"
    script = moved("cluster.sh", tmp_path, "lab/calico/kustomization.yaml", "lab/metallb/kustomization.yaml")
    assert run(script, path=tmp_path).stdout == "cni calico\n"  # and no control plane: nothing of one
    manifests.mkdir()
    (manifests / "kube-apiserver.yaml").write_text(
        "spec:\n  containers:\n  - command:\n    - kube-apiserver\n    - --service-cluster-ip-range=10.96.0.0/12\n"
        "    image: registry.k8s.io/kube-apiserver:v1.36.4\n    imagePullPolicy: IfNotPresent\n",
        encoding="utf-8",
    )
    (manifests / "kube-controller-manager.yaml").write_text("    - --cluster-cidr=10.244.0.0/16\n", encoding="utf-8")
    assert run(script, path=tmp_path).stdout.split() == [
        "version", "1.36.4", "service_cidr", "10.96.0.0/12", "pod_cidr", "10.244.0.0/16", "cni", "calico",
    ]  # fmt: skip


def test_a_machine_says_its_settings_on_external_as_its_next_start_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "etc/NetworkManager/system-connections"
    folder.mkdir(parents=True)
    for name, number in {"eth0": "01", "my eth2": "03"}.items():
        (folder / f"{name}.nmconnection").write_text(
            f"[connection]\nid={name}\n\n[ethernet]\nmac-address=02:7E:57:{number}:00:03\n\n"
            f"[ipv4]\nmethod=manual\naddress1=10.0.0.{number}/24,10.0.0.1\ndns=10.0.0.1;1.1.1.1;\n\n"
            "[ipv6]\nmethod=disabled\ndns=::1;\n",
            encoding="utf-8",
        )
    text = (UNIT / "outside.sh").read_text(encoding="utf-8")
    (tmp_path / "outside.sh").write_text(text.replace("/etc/NetworkManager", f"{tmp_path}/etc/NetworkManager"), "utf-8")
    done = run(tmp_path / "outside.sh", "02:7e:57:03:00:03", path=tmp_path)
    assert done.stdout == "id my eth2\naddress1 10.0.0.03/24,10.0.0.1\ndns 10.0.0.1;1.1.1.1;\n"
    assert run(tmp_path / "outside.sh", "02:7e:57:03:00:09", path=tmp_path).stdout == ""
