"""Playbooks as Ansible reads them, and what their templates make of the lab."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.project import ANSIBLE, ROOT
from rehearsal.kubernetes.kubeadm import staticpods
from rehearsal.kubernetes.kubeadm.config import load_init, load_join
from rehearsal.kubernetes.kubeadm.schema import documents
from rehearsal.kubernetes.node import selinux
from tests.contracts.ansible.begun import told_by
from tests.contracts.ansible.conftest import Play
from tests.labs import SMALL, delivered, described, small

PLAYBOOKS = sorted(path.name for path in ANSIBLE.glob("*.yml"))

# Fills the named templates of a role, with its defaults and what the caller gives, into one folder a machine.
RENDER = """
- hosts: "{hosts}"
  vars_files: {files}
  vars: {variables}
  tasks:
    - ansible.builtin.file: {{path: "{out}/{{{{ inventory_hostname }}}}", state: directory}}
    - ansible.builtin.template:
        src: "{template}"
        dest: "{out}/{{{{ inventory_hostname }}}}/{{{{ item.name | default(item) }}}}"
      loop: {loop}
"""

# Writes whom the role `join` would label as workers, as the control plane sees it.
LABELLED = """
- hosts: control_plane:workers
  vars_files: [roles/join/defaults/main.yml, roles/join/vars/main.yml]
  tasks:
    - ansible.builtin.copy: {content: "{{ join_labelled | to_json }}", dest: "{{ inventory_dir }}/labelled"}
      run_once: true
"""


@pytest.fixture
def render(play: Play, folder: Path) -> Any:
    def run(role: str, template: str, hosts: str, loop: str = "[file]", **variables: Any) -> Path:
        # The user's file last: a play's own files count for more than those of groups.
        files = [f"roles/{role}/{kind}/main.yml" for kind in ("defaults", "vars")] + ["group_vars/all.yml"]
        text = RENDER.format(
            hosts=hosts, files=json.dumps([file for file in files if (folder / file).exists()]), loop=json.dumps(loop),
            variables=json.dumps(variables), out=folder / "out", template=f"roles/{role}/templates/{template}",
        )  # fmt: skip
        (folder / "render.yml").write_text(text.replace('loop: "[file]"', "loop: [file]"), encoding="utf-8")
        done = play("render.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        return folder / "out"

    return run


def test_ansible_accepts_the_syntax_of_every_playbook_without_a_warning(play: Play) -> None:
    done = play("--syntax-check", *PLAYBOOKS)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_a_wrong_variable_is_refused_with_the_values_that_are_right(play: Play) -> None:
    done = play("1-bootstrap.yml", "--tags", "inventory_check", "--extra-vars", "cni_network=weave")
    assert done.returncode != 0
    assert "value of cni_network must be one of: calico, flannel" in done.stdout + done.stderr


def test_a_machine_at_the_wrong_address_is_refused_and_the_events_say_why(play: Play, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    done = play("1-bootstrap.yml", "--tags", "inventory_check", LAB_EVENTS_FILE=str(events))
    assert done.returncode != 0
    run = told_by(events)
    assert events.read_text(encoding="utf-8").count('"event": "task"') == 4
    (failure,) = run.failures
    assert failure.host == "bootstrap"
    assert "the lab describes 10.190.86.11 (MGMT) and 10.190.87.11 (INTERNAL)" in failure.message
    assert run.hosts["bootstrap"]["failures"] == 1
    assert not run.changed


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("packages_extra: {a: b}", "packages_extra"),
        ("firewall_extra_ports: {internal: {nodes: [4240]}}", "4240 is no port, such as 4240/tcp or 8000-8010/udp"),
    ],
)
def test_a_users_setting_of_the_wrong_kind_is_refused_before_anything_is_changed(
    play: Play, folder: Path, setting: str, said: str
) -> None:
    (folder / "group_vars" / "all.yml").write_text(f"{setting}\n", encoding="utf-8")
    events = folder / "events.jsonl"
    assert play("1-bootstrap.yml", "--tags", "inventory_check", LAB_EVENTS_FILE=str(events)).returncode != 0
    assert said in " ".join(failure.message for failure in told_by(events).failures)
    assert "the lab describes" not in events.read_text(encoding="utf-8")


def test_a_user_adds_ports_and_packages_to_those_of_the_roles(render: Any, folder: Path) -> None:
    ports = "{internal: {nodes: [4240/tcp, 8000-8010/udp]}, external: {control_plane: [9443/tcp]}}"
    text = f"packages_extra: [vim-enhanced]\nfirewall_extra_ports: {ports}\n"
    (folder / "group_vars" / "all.yml").write_text(text, encoding="utf-8")
    out = render("firewall", "firewalld.xml.j2", "cp1:w1", "{{ firewall_own }}")
    assert {"4240/tcp", "8000-8010/udp", "10250/tcp"} <= zone(out / "w1", "lab-internal")[0]
    assert zone(out / "w1", "lab-external") == (NODE_PORTS, set())
    assert "9443/tcp" in zone(out / "cp1", "lab-external")[0]
    out = render("packages", "lab.repo.j2", "w1:bootstrap", "{{ packages_wanted | select('eq', 'vim-enhanced') }}")
    assert [(out / name / "vim-enhanced").exists() for name in ("w1", "bootstrap")] == [True, False]


# Writes three files and a secret one, and would change the machine alike in check mode.
FILES = """
- hosts: w1
  tasks:
    - name: Write files
      ansible.builtin.copy: {content: "{{ item }} = 1\\n", dest: "{{ inventory_dir }}/{{ item }}.conf"}
      loop: [one, two]
    - name: Write a secret
      ansible.builtin.copy: {content: "hidden\\n", dest: "{{ inventory_dir }}/secret"}
      no_log: true
"""


def test_the_events_of_check_mode_hold_each_files_difference_and_no_secret(play: Play, folder: Path) -> None:
    (folder / "files.yml").write_text(FILES, encoding="utf-8")
    (folder / "one.conf").write_text("one = 0\n", encoding="utf-8")
    events = folder / "events.jsonl"
    done = play("files.yml", "--check", "--diff", LAB_EVENTS_FILE=str(events))
    assert done.returncode == 0, done.stdout
    files, secret = told_by(events).tasks.values()
    assert "-one = 0\n+one = 1\n" in files.differences["w1"]
    assert "+two = 1\n" in files.differences["w1"]
    assert (secret.hosts("changed"), secret.differences) == (["w1"], {})
    assert "hidden" not in events.read_text(encoding="utf-8")
    assert not (folder / "two.conf").exists()


NODE_PORTS = {"30000-32767/tcp", "30000-32767/udp"}
SPEAKERS = {"7946/tcp", "7946/udp"}


def zone(folder: Path, name: str) -> tuple[set[str], set[str]]:
    """The ports and the services of a file of firewalld's."""
    root = ET.parse(folder / name).getroot()
    ports = {f"{port.get('port')}/{port.get('protocol')}" for port in root.findall("port")}
    return ports, {str(service.get("name")) for service in root.findall("service")}


def test_each_zone_lets_in_what_the_roles_need_and_no_ssh_from_outside(render: Any) -> None:
    out = render("firewall", "firewalld.xml.j2", "cp1:w1:storage1", "{{ firewall_own + [firewall_external] }}")
    assert zone(out / "cp1", "public") == (set(), {"lab-external"})
    assert zone(out / "cp1", "lab-external") == (NODE_PORTS | {"6443/tcp"}, set())
    assert zone(out / "w1", "lab-external") == (NODE_PORTS, set())
    assert zone(out / "storage1", "lab-external") == (set(), set())
    assert zone(out / "w1", "lab-mgmt") == (set(), {"ssh"})
    assert zone(out / "cp1", "lab-internal")[0] == NODE_PORTS | SPEAKERS | {"6443/tcp", "10250/tcp", "4789/udp"}
    assert zone(out / "storage1", "lab-internal") == ({"2049/tcp"}, set())
    assert ET.parse(out / "w1" / "lab-pods").getroot().get("target") == "ACCEPT"


OWN_NETWORK = described("rehearsal", {"kubernetes": {"cni": "none"}})


@pytest.mark.parametrize("lab", [OWN_NETWORK])
def test_with_a_pod_network_of_the_users_own_no_tunnel_is_let_in_and_no_node_is_waited_for(
    render: Any, folder: Path
) -> None:
    out = render("firewall", "firewalld.xml.j2", "w1", "{{ firewall_own }}") / "w1"
    assert zone(out, "lab-internal")[0] == NODE_PORTS | SPEAKERS | {"10250/tcp"}
    settle = yaml.safe_load((folder / "roles/join/tasks/settle.yml").read_text(encoding="utf-8"))
    assert next(task for task in settle if task["name"] == "Wait for the nodes")["when"] == "join_awaits_ready"
    assert (
        yaml.safe_load((folder / "roles/join/defaults/main.yml").read_text(encoding="utf-8"))["join_awaits_ready"]
        == "{{ lab_cni != 'none' }}"
    )


@pytest.mark.parametrize("lab", [OWN_NETWORK])
def test_with_a_pod_network_of_the_users_own_the_roles_variables_are_accepted(play: Play, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    play("1-bootstrap.yml", "--tags", "inventory_check", LAB_EVENTS_FILE=str(events))
    (failure,) = told_by(events).failures  # this computer is not the bootstrap server: every variable was right
    assert "the lab describes 10.190.86.11 (MGMT)" in failure.message


@pytest.mark.parametrize("lab", [dataclasses.replace(delivered("rehearsal"), address_pool=None)])
def test_without_addresses_for_services_no_speaker_is_let_in(render: Any) -> None:
    out = render("firewall", "firewalld.xml.j2", "w1", "{{ firewall_own + [firewall_external] }}") / "w1"
    assert zone(out, "lab-internal")[0] == NODE_PORTS | {"10250/tcp", "4789/udp"}


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb")])
def test_a_control_plane_that_stores_lets_in_what_both_need_and_nfs_on_internal_alone(render: Any) -> None:
    out = render("firewall", "firewalld.xml.j2", "cp1", "{{ firewall_own + [firewall_external] }}") / "cp1"
    assert zone(out, "lab-internal")[0] == NODE_PORTS | SPEAKERS | {"6443/tcp", "10250/tcp", "4789/udp", "2049/tcp"}
    assert zone(out, "lab-external") == (NODE_PORTS | {"6443/tcp"}, set())


@pytest.mark.parametrize(
    ("lab", "labelled"),
    [
        (delivered("one-pc-16gb"), ["w1", "w2"]),
        (small("one node"), ["cp1"]),
        (small("one node that stores"), ["cp1"]),
        (small("a worker that stores"), ["w1", "w2"]),
    ],
)
def test_every_machine_with_that_role_is_listed_as_a_worker(play: Play, folder: Path, labelled: list[str]) -> None:
    """The control plane joins nothing, and is labelled all the same where it works too."""
    (folder / "tell.yml").write_text(LABELLED, encoding="utf-8")
    done = play("tell.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((folder / "labelled").read_text(encoding="utf-8")) == labelled


@pytest.mark.parametrize("lab", [delivered("one-pc-16gb"), *map(small, SMALL)])
def test_every_playbook_is_accepted_for_a_lab_with_fewer_machines(play: Play) -> None:
    done = play("--list-hosts", *PLAYBOOKS)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("version", "config", "sandbox"),
    [
        ("1.6.20", 2, ["io.containerd.grpc.v1.cri", "sandbox_image"]),
        ("1.7.29", 2, ["io.containerd.grpc.v1.cri", "sandbox_image"]),
        ("2.1.4", 3, ["io.containerd.cri.v1.images", "pinned_images", "sandbox"]),
        ("2.3.0", 4, ["io.containerd.cri.v1.images", "pinned_images", "sandbox"]),
    ],
)
def test_containerd_is_configured_for_its_own_version(
    render: Any, version: str, config: int, sandbox: list[str]
) -> None:
    text = render("containerd", "config.toml.j2", "w1", containerd_version=version) / "w1" / "file"
    found: Any = tomllib.loads(text.read_text(encoding="utf-8"))
    assert found["version"] == config
    runtime = found["plugins"]["io.containerd.grpc.v1.cri" if config == 2 else "io.containerd.cri.v1.runtime"]
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is True
    assert runtime.get("enable_selinux") is False
    value = found["plugins"]
    for key in sandbox:
        value = value[key]
    assert value == "registry.k8s.io/pause:3.10.2"


@pytest.mark.parametrize("version", ["1.7.29", "2.3.0"])
def test_the_control_plane_may_work_on_a_host_that_enforces_selinux(render: Any, version: str) -> None:
    file = render("containerd", "config.toml.j2", "cp1", containerd_version=version) / "cp1" / "file"
    is_confined = selinux.labels(file.read_text(encoding="utf-8"))
    settings = load_init(str(ROOT / "tests/golden/cluster/kubeadm-init.yaml"))
    pods = [staticpods.manifest(settings, made(settings)) for made in staticpods.COMPONENTS]
    said = {pod["metadata"]["name"]: selinux.denial(pod, pod["spec"]["containers"][0]) for pod in pods if is_confined}
    assert [f"{name}: {denial}" for name, denial in said.items() if denial] == []


def test_kubeadms_strict_reading_accepts_the_join_file(render: Any) -> None:
    token, digest = "abcdef.0123456789abcdef", "sha256:" + "ab" * 32
    command = f"kubeadm join 10.190.87.12:6443 --token {token} --discovery-token-ca-cert-hash {digest}"
    file = render("join", "kubeadm-join.yaml.j2", "w2", join_token={"stdout": command}) / "w2" / "file"
    settings = load_join(str(file), {})
    assert settings["nodeRegistration"]["name"] == "w2"
    assert settings["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": "10.190.87.14"}]
    assert settings["discovery"]["bootstrapToken"]["caCertHashes"] == [digest]


def test_a_worker_joins_with_the_patches_that_the_description_has(render: Any) -> None:
    command = "--token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:" + "ab" * 32
    given = {"join_token": {"stdout": command}, "lab_kubeadm_patches": {"kubeletconfiguration.yaml": "abc"}}
    file = render("join", "kubeadm-join.yaml.j2", "w2", **given) / "w2" / "file"
    (read,) = documents(file.read_text(encoding="utf-8"))
    assert read["patches"] == {"directory": "/etc/kubernetes/patches"}


# The tasks of the role `patches`, on this computer, with a folder of the test's own.
PATCHES = """
- hosts: w1
  tasks:
    - ansible.builtin.import_role: {name: patches, tasks_from: "{{ part }}", rolespec_validate: false}
"""


def test_patches_replace_those_of_before_and_later_ones_are_told_of_a_cluster_that_is_there(
    play: Play, folder: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("what is copied belongs to root")
    (folder / "rendered" / "patches").mkdir()
    (folder / "rendered" / "patches" / "etcd.yaml").write_text("a: 1\n", encoding="utf-8")
    there = folder / "there"
    there.mkdir()
    (there / "kubelet.yaml").write_text("old\n", encoding="utf-8")

    def run(part: str, content: str) -> subprocess.CompletedProcess[str]:
        (folder / "patches.yml").write_text(PATCHES.replace("{{ part }}", part), encoding="utf-8")
        files = {"etcd.yaml": hashlib.sha256(content.encode()).hexdigest()}
        return play("patches.yml", "--extra-vars", json.dumps({"patches_files": files, "patches_folder": str(there)}))

    assert run("main", "a: 1\n").returncode == 0
    assert {file.name: file.read_text(encoding="utf-8") for file in there.iterdir()} == {"etcd.yaml": "a: 1\n"}
    assert run("compare", "a: 1\n").returncode == 0
    said = run("compare", "a: 2\n")
    assert said.returncode != 0
    assert "inv k8s.reset, then inv k8s.all" in " ".join(said.stdout.split())


def test_only_the_bootstrap_server_asks_outside_for_the_time(render: Any) -> None:
    out = render("time", "chrony.conf.j2", "bootstrap:w1")
    keeper, client = ((out / name / "file").read_text(encoding="utf-8") for name in ("bootstrap", "w1"))
    assert "pool 2.rocky.pool.ntp.org iburst" in keeper
    assert "allow 10.190.86.0/24" in keeper
    assert "server 10.190.86.11 iburst" in client
    assert "pool" not in client


def test_packages_come_unsigned_from_the_bootstrap_server_and_rockys_alone_where_no_node_is(render: Any) -> None:
    out = render("packages", "lab.repo.j2", "w1:storage1")
    node, storage = ((out / name / "file").read_text(encoding="utf-8") for name in ("w1", "storage1"))
    assert [line.removeprefix("baseurl=http://10.190.86.11/") for line in node.splitlines() if "baseurl" in line] == [
        "rocky/BaseOS/",
        "rocky/AppStream/",
        "packages/kubernetes/v1.36/rpm/",
        "packages/containerd/9/x86_64/stable",
    ]
    assert node.count("gpgcheck=0") == 4
    assert "gpgkey" not in node
    assert [line for line in storage.splitlines() if line.startswith("[")] == ["[lab-baseos]", "[lab-appstream]"]
    assert "\nexclude=" not in storage


def test_containerd_asks_the_bootstrap_server_first_and_then_the_registry_itself(render: Any) -> None:
    out = render("containerd", "hosts.toml.j2", "w1")
    found = tomllib.loads((out / "w1" / "file").read_text(encoding="utf-8"))
    mirror = {"capabilities": ["pull", "resolve"], "override_path": True}
    # without `server` the registry is the image's own, whichever it is
    assert found == {"host": {"http://10.190.86.11/images/v2": mirror}}


REGISTRIES = {
    "reg.lan:5000": {"url": "http://reg.lan:5000"},
    "hub.lan": {"skip_verify": True},
    "docker.io": {"url": "https://mirror.lan"},
}


@pytest.mark.parametrize("lab", [described("rehearsal", {"sources": {"registries": REGISTRIES}})])
def test_a_registry_of_the_users_own_is_asked_itself_and_one_that_is_described_no_more_is_forgotten(
    play: Play, folder: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("what is written belongs to root")
    place = folder / "certs.d"
    for name, text in (("gone.lan", "# Written by Ansible (role containerd)\n"), ("by.hand", "# mine\n")):
        (place / name).mkdir(parents=True)
        (place / name / "hosts.toml").write_text(text, encoding="utf-8")
    (place / "_default").mkdir()
    (place / "_default" / "hosts.toml").write_text("# Written by Ansible (role containerd)\n", encoding="utf-8")
    (folder / "own.yml").write_text(
        "- hosts: w1\n  tasks:\n"
        "    - ansible.builtin.import_role: {name: containerd, tasks_from: registries, rolespec_validate: false}\n",
        encoding="utf-8",
    )
    done = play("own.yml", "--extra-vars", json.dumps({"containerd_mirrors": str(place)}))
    assert done.returncode == 0, done.stdout
    assert {one.name for one in place.iterdir()} == {"_default", "by.hand", *REGISTRIES}
    found: dict[str, Any] = {
        name: tomllib.loads((place / name / "hosts.toml").read_text(encoding="utf-8")) for name in REGISTRIES
    }
    capabilities = {"capabilities": ["pull", "resolve"]}
    assert found["reg.lan:5000"] == {
        "server": "http://reg.lan:5000",
        "host": {"http://reg.lan:5000": capabilities},
    }
    assert found["hub.lan"] == {
        "server": "https://hub.lan",
        "host": {"https://hub.lan": {**capabilities, "skip_verify": True}},
    }
    assert found["docker.io"]["server"] == "https://mirror.lan"


@pytest.mark.parametrize("lab", [described("rehearsal", {"kubernetes": {"pod_mtu": 1400}})])
@pytest.mark.parametrize(("network", "file"), [("calico", "calico.yaml"), ("flannel", "kube-flannel.yml")])
def test_pods_send_packets_of_the_described_size_and_another_size_restarts_the_agents(
    render: Any, network: str, file: str
) -> None:
    out = render("cni", f"{network}.yaml.j2", "cp1") / "cp1"
    (out / "file").rename(out / "kustomization.yaml")
    (out / file).write_bytes((ROOT / "rehearsal" / "kubernetes" / "manifests" / file).read_bytes())
    objects = kustomized(out)
    data = objects["ConfigMap"]["data"]
    # flannel is told of the network below, and takes the tunnel's 50 bytes off itself.
    told = data["veth_mtu"] if network == "calico" else json.loads(data["net-conf.json"])["Backend"]["MTU"]
    assert str(told) == ("1400" if network == "calico" else "1450")
    assert objects["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]["lab/pod-mtu"] == "1400"


@pytest.mark.parametrize(("network", "file"), [("calico", "calico.yaml"), ("flannel", "kube-flannel.yml")])
def test_kustomize_binds_the_pod_network_to_internal(render: Any, folder: Path, network: str, file: str) -> None:
    out = render("cni", f"{network}.yaml.j2", "cp1") / "cp1"
    (out / "file").rename(out / "kustomization.yaml")
    upstream = ROOT / "rehearsal" / "kubernetes" / "manifests" / file
    (out / file).write_bytes(upstream.read_bytes())
    objects = kustomized(out)
    text = json.dumps(objects["DaemonSet"])
    if network == "calico":
        environment = objects["DaemonSet"]["spec"]["template"]["spec"]["containers"][0]["env"]
        values = {entry["name"]: entry.get("value") for entry in environment}
        assert values["IP_AUTODETECTION_METHOD"] == "cidr=10.190.87.0/24"
        assert values["CALICO_IPV4POOL_CIDR"] == "10.244.0.0/16"
        assert objects["ConfigMap"]["data"]["calico_backend"] == "vxlan"
        assert "-bird" not in text
    else:
        assert "--iface-regex=^(10\\\\.190\\\\.87\\\\.12|10\\\\.190\\\\.87\\\\.13" in text
        assert json.loads(objects["ConfigMap"]["data"]["net-conf.json"])["Network"] == "10.244.0.0/16"
        # A patch replaces all of upstream's arguments: the ones that it does not change have to stand in it.
        kept = yaml.safe_load_all(upstream.read_text(encoding="utf-8"))
        (daemons,) = (one for one in kept if one["kind"] == "DaemonSet")
        arguments = objects["DaemonSet"]["spec"]["template"]["spec"]["containers"][0]["args"]
        assert set(daemons["spec"]["template"]["spec"]["containers"][0]["args"]) <= set(arguments)


def kustomized(folder: Path) -> dict[str, Any]:
    """What `kubectl kustomize` makes of a folder: the last object of each kind."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    return {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}
