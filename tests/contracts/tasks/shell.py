"""The shell of one machine of the lab in memory, as far as labkit uses it."""

from __future__ import annotations

import io
import json
import shlex
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping

import yaml

from labkit.errors import UnreachableError
from labkit.k8s import kubectl, tree
from labkit.line.stages import PLAYBOOKS
from labkit.project import ANSIBLE
from labkit.pxe import files, publish, server, setup
from labkit.session import Session
from tests.contracts.tasks.lan import Lan
from tests.unit.verify.fakes import certificate_file

EVENTS = "/var/log/lab/ansible/run.jsonl"
ADMIN = "clusters: [{name: lab, cluster: {server: 'https://10.0.0.2:6443'}}]\ncontexts: []\nusers: []\n"
OF_THE_CLUSTER = ("k8s.control-plane", "k8s.cni", "k8s.join", "k8s.load-balancer", "nfs.storage")
UNIT_SCRIPTS = {file.read_bytes(): file.name for file in (ANSIBLE / "unit").glob("*.sh")}
Said = tuple[str, int]


class SshLink:
    """In the place of ssh.Link: one machine's shell, as far as labkit uses it."""

    def __init__(self, lan: Lan, name: str, address: str) -> None:
        self._lan, self.name, self.address = lan, name, address
        self._machine = lan.lab.machine(name)

    def execute(self, command: str, data: bytes | None, timeout_s: float) -> tuple[bytes, bytes, int]:
        self._enter()
        said, code = self._said(_plain(command), data or b"")
        return said.encode(), b"", code

    def stream(self, command: str, tick_s: float) -> Iterator[bytes | None]:
        self._enter()
        command = _plain(command)
        if "follow.sh" in command:
            yield b'{"event": "end", "result": "success", "status": "0"}\n'
            return
        given = 0
        for _ in range(200):
            self._lan.live()
            yield from (line.encode() + b"\n" for line in self._lan.facts.log[given:])
            given = len(self._lan.facts.log)
            yield None
        raise KeyboardInterrupt  # nobody watches for longer

    def listens(self, timeout_s: float) -> bool:
        return self._lan.greets(self._machine, self.address)

    def close(self) -> None:
        """Nothing is open."""

    def _enter(self) -> None:
        self._lan.live()
        if not (self.listens(0) and self._lan.lets_in(self._machine)):
            raise UnreachableError(f"{self.name} ({self.address}): no SSH connection")

    @property
    def _files(self) -> dict[str, bytes]:
        return self._lan.facts.files.setdefault(self.name, {})

    def _said(self, command: str, data: bytes) -> Said:
        for part, answer in COMMANDS.items():
            if part in command:
                return answer(self, command, data)
        return "", 0

    def receive(self, command: str, data: bytes) -> Said:
        """Remote.put: the file's name is the last word."""
        self._files[shlex.split(command)[-1]] = data
        return "", 0

    def unpack(self, command: str, data: bytes) -> Said:
        """Remote.sync: the folder's name is the last word."""
        folder = shlex.split(command)[-1]
        kept = {path: text for path, text in self._files.items() if not path.startswith(f"{folder}/")}
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                kept[f"{folder}/{entry.name}"] = content.read() if content else b""
        self._lan.facts.files[self.name] = kept
        return "", 0

    def digests(self, command: str, _: bytes) -> Said:
        known = self._files | self._served()
        asked = [path for path in shlex.split(command) if path in known]
        return "".join(f"{server.digest(known[path])}  {path}\n" for path in asked), 0

    def _served(self) -> dict[str, bytes]:
        """What pxe.setup and pxe.publish installed from what was uploaded."""
        if not self._lan.facts.services:
            return {}
        services = files.services(self._lan.lab)
        live = {path: texts[0] for path, texts in publish._live(Session(self._lan.lab)).items()}
        texts = live | {path: services[name] for name, path in setup.TARGETS.items()}
        return {path: text.encode() for path, text in texts.items()}

    def records(self, command: str, _: bytes) -> Said:
        facts = self._lan.facts
        rows = [json.dumps(row) for row in (*facts.armed.values(), *facts.installed.values())]
        rows += [f"{address} {key}" for address, key in facts.host_keys.items()]
        return "\n".join([*rows, f"now {facts.moment} +0000"]), 0

    def scripts(self, command: str, _: bytes) -> Said:
        """The bootstrap server's own scripts, one after the other."""
        facts, said = self._lan.facts, ""
        for line in command.split("&&"):
            name, *words = shlex.split(line.replace(f"{server.SCRIPTS}/", ""))
            facts.moment += 1
            if name == "pxe-services.sh":
                facts.services = True
            if name == "pxe-arm.sh":
                for machine, disk in (word.split("=") for word in words):
                    facts.armed[machine] = {"state": "armed", "machine": machine, "disk": disk, "time": facts.moment}
            if name == "pxe-installed.sh":
                machine, disk, address, key = words
                row = {"state": "installed", "machine": machine, "disk": disk, "time": facts.moment}
                facts.installed[machine], facts.host_keys[address] = row, key
                facts.armed.pop(machine, None)
            said += f"changed: {name}\n" if name != "pxe-probe.sh" else ""
        return said, 0

    def logs(self, command: str, _: bytes) -> Said:
        return "\n".join(self._lan.facts.log), 0

    def start_playbook(self, command: str, _: bytes) -> Said:
        """unit/start.sh: the playbook has done its work by the time that somebody follows it."""
        words = shlex.split(command)
        stage, done = words[3], self._lan.facts.done
        has_cluster = (stage, self._lan.disk(self._lan.lab.control_plane)) in done
        if stage in PLAYBOOKS:
            done |= {(stage, self._lan.disk(machine)) for machine in PLAYBOOKS[stage].machines(self._lan.lab)}
        if stage == "k8s.control-plane" and not has_cluster:  # one that is there is never made anew
            self._lan.facts.names, made = _made(self._files[f"{tree.REMOTE}/rendered/kubeadm-init.yaml"])
            self._lan.facts.cluster |= made
            for node in self._lan.cluster.facts.nodes.values():
                node["status"]["nodeInfo"] = {"kubeletVersion": f"v{self._lan.facts.cluster['version']}"}
        if stage == "k8s.cni":
            inventory = yaml.safe_load(self._files[f"{tree.REMOTE}/inventory.yml"])
            self._lan.facts.cluster["cni"] = inventory["all"]["vars"]["lab_cni"]
        if stage == "k8s.reset":
            done -= {one for one in done if one[0] in OF_THE_CLUSTER}
        return f"{EVENTS}\n", 0

    def unit_script(self, command: str, data: bytes) -> Said:
        """One of ansible/unit/*.sh on standard input."""
        name, words = UNIT_SCRIPTS[data], shlex.split(command)[3:]
        in_cluster = self._did("k8s.control-plane") or self._did("k8s.join")
        said: dict[str, Callable[[], str]] = {
            "probe.sh": lambda: "" if self._did(words[0]) else f"{words[0]} was not done here",
            "members.sh": lambda: "member\tit is a node of a cluster\n" if in_cluster else "",
            "cluster.sh": self._cluster,
            "outside.sh": lambda: _lines(self._lan.facts.outside.get(self.name, {})),
            "volumes.sh": lambda: "default/claim\t2048\n",
            "remove-verification.sh": lambda: "",
            "evidence.sh": lambda: f"==> kubelet\nits last words on {self.name}\n",
            "proof.sh": lambda: f"time {time.time()}\nkernel of-{self.name}\n{certificate_file()}",
        }
        return said[name](), 0

    def _cluster(self) -> str:
        """What a control plane that was made here says of its cluster."""
        facts = self._lan.facts.cluster if self._did("k8s.control-plane") else {}
        return _lines(facts)

    def _did(self, stage: str) -> bool:
        return (stage, self._lan.disk(self._machine)) in self._lan.facts.done

    def kubectl(self, command: str, data: bytes) -> Said:
        words = shlex.split(command)[3:]
        if words[0] == "apply":
            made = map(json.loads, data.decode().splitlines())
            spaces = [one["metadata"]["name"] for one in made if one["kind"] == "Namespace"]
            self._lan.cluster.namespace = next(iter(spaces), self._lan.cluster.namespace)
        if words[:2] == ["get", "node"]:
            return json.dumps(self._lan.cluster.facts.nodes.get(words[2], "")).strip('"'), 0
        if words[:2] == ["get", "leases"]:
            self._lan.leases += 1
            renewed = {"renewTime": str(self._lan.leases)}
            nodes = self._lan.cluster.facts.nodes
            return json.dumps({"items": [{"metadata": {"name": name}, "spec": renewed} for name in nodes]}), 0
        return self._lan.cluster.kubectl(*words, stdin=data.decode()), 0

    def reads(self, command: str, _: bytes) -> Said:
        """`cat` and `test` of one file."""
        path = shlex.split(command)[-1]
        if path == kubectl.ADMIN:
            return (ADMIN, 0) if self._did("k8s.control-plane") else ("", 1)
        if path.endswith(tree.IDENTITY) or path == ".ssh/id_ed25519":
            return self._files.get(path, b"").decode(), 0 if path in self._files else 1
        return "", 0

    def checks(self, command: str, _: bytes) -> Said:
        return "ok\t0.01\tDHCP offers w1 its address\t\n", 0

    def runs(self, command: str, _: bytes) -> Said:
        """The events and logs of Ansible's runs: one, once a playbook was started."""
        return ("run.jsonl\nrun.log\n", 0) if self._lan.facts.done else ("", 2)

    def kept(self, command: str, _: bytes) -> Said:
        return "packages 3 1048576\nmanifests 2 2048\n", 0

    def listening(self, command: str, _: bytes) -> Said:
        there = [str(one.mgmt.address) for one in self._lan.lab.installed_by_network if self._lan.lets_in(one)]
        return "\n".join(address for address in there if f" {address}" in command), 0


COMMANDS: dict[str, Callable[[SshLink, str, bytes], Said]] = {
    "umask 077": SshLink.receive,
    "tar -xzf": SshLink.unpack,
    "sha256sum": SshLink.digests,
    "pxe-check.sh": SshLink.checks,
    "/var/lib/lab/armed": SshLink.records,
    f"{server.SCRIPTS}/": SshLink.scripts,
    "echo packages": SshLink.kept,
    "ls -t /var/log/lab/ansible": SshLink.runs,
    "/unit/start.sh": SshLink.start_playbook,
    "bash -s": SshLink.unit_script,
    "kubectl --kubeconfig": SshLink.kubectl,
    "/dev/tcp/": SshLink.listening,
    "dnsmasq.log": SshLink.logs,
    "grep -sH": lambda *_: ("", 2),
    "detect-virt": lambda *_: ("", 1),
    "cat ": SshLink.reads,
    "test -": SshLink.reads,
}
"""By a part of the command, the first that is in it; any other says nothing and ends well."""


def _lines(facts: Mapping[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in facts.items())


def _made(kubeadm_init: bytes) -> tuple[list[str], dict[str, str]]:
    """What `kubeadm init` makes of that configuration: the certificate's names, and what cluster.sh says."""
    documents = yaml.safe_load_all(kubeadm_init)
    cluster = next(one for one in documents if one["kind"] == "ClusterConfiguration")
    ranges = cluster["networking"]
    version = cluster["kubernetesVersion"].removeprefix("v")
    made = {"version": version, "pod_cidr": ranges["podSubnet"], "service_cidr": ranges["serviceSubnet"]}
    return cluster["apiServer"]["certSANs"], made


def _plain(command: str) -> str:
    """A command without the `sudo` that Remote puts before it."""
    words = shlex.split(command)
    return words[-1] if words[:5] == ["sudo", "-n", "--", "bash", "-c"] else command
