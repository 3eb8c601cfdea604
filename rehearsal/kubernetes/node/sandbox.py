"""A pod's network: a namespace of its own, wired by the CNI plugin that the node's conflist names (the real plugin)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .paths import CNI_CONFIGURATION, CNI_LEASES, CNI_PROGRAMS, STATE, real, write

NOT_READY = "Network plugin returns error: cni plugin not initialized"


class SandboxError(Exception):
    """A pod's network could not be made; the text is what the runtime would say."""


def configuration() -> dict[str, Any] | None:
    """The first conflist of /etc/cni/net.d by name, as a runtime picks it; None when there is none that can be read."""
    folder = real(CNI_CONFIGURATION)
    for file in sorted(folder.glob("*.conflist")) if folder.is_dir() else ():
        try:
            loaded = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(loaded, dict) and loaded.get("plugins"):
            return loaded
    return None


def name(uid: str) -> str:
    return f"cni-{uid}"


def path(namespace: str) -> Path:
    return Path("/run/netns") / namespace


def exists(uid: str) -> bool:
    return path(name(uid)).exists()


def address(uid: str) -> str | None:
    """The pod's address, if its network was made."""
    try:
        result = json.loads((real(STATE) / uid / "network.json").read_text())
    except (OSError, ValueError):
        return None
    return next((ip["address"].partition("/")[0] for ip in result.get("ips", [])), None)


def create(uid: str, pod: dict[str, Any]) -> None:
    """Make the namespace and run the plugins in it. Raises SandboxError; what was half made is removed."""
    conflist = configuration()
    if conflist is None:
        raise SandboxError(f"failed to setup network for sandbox: {NOT_READY}")
    remove(uid)
    _run("ip", "netns", "add", name(uid))
    _run("ip", "-n", name(uid), "link", "set", "lo", "up")
    result: dict[str, Any] | None = None
    for plugin in conflist["plugins"]:
        try:
            result = _plugin("ADD", uid, conflist, plugin, pod["metadata"], result) or result
        except SandboxError:
            remove(uid)
            raise
    write(real(STATE) / uid / "network.json", json.dumps({**(result or {}), "conflist": conflist}))


def forget_leases() -> None:
    """Give all addresses back when no pod runs: after the machine was started, those of before are gone."""
    if not any(real(STATE).glob("*/pod.json")):
        shutil.rmtree(real(CNI_LEASES), ignore_errors=True)


def remove(uid: str) -> None:
    """Give the address back and remove the namespace; nothing happens when there is none."""
    file = real(STATE) / uid / "network.json"
    if file.exists():
        made = json.loads(file.read_text())
        conflist = made.pop("conflist")
        for plugin in reversed(conflist["plugins"]):
            try:
                _plugin("DEL", uid, conflist, plugin, {}, made)
            except SandboxError:
                continue  # DEL must not keep a pod from going; the namespace takes the interface with it
        file.unlink()
    if exists(uid):
        _run("ip", "netns", "delete", name(uid))


def _plugin(
    verb: str,
    uid: str,
    conflist: dict[str, Any],
    plugin: dict[str, Any],
    metadata: dict[str, Any],
    previous: dict[str, Any] | None,
) -> dict[str, Any] | None:
    program = real(CNI_PROGRAMS) / plugin["type"]
    if not program.exists():
        raise SandboxError(f'failed to find plugin "{plugin["type"]}" in path [{CNI_PROGRAMS}]')
    stdin = {**plugin, "name": conflist["name"], "cniVersion": conflist.get("cniVersion", "0.3.1")}
    if plugin.get("ipam", {}).get("type") == "host-local":
        stdin["ipam"] = {**plugin["ipam"], "dataDir": str(real(CNI_LEASES))}
    if previous:
        stdin["prevResult"] = previous
    names = {"K8S_POD_NAMESPACE": metadata.get("namespace", ""), "K8S_POD_NAME": metadata.get("name", "")}
    environment = {
        **os.environ,
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": uid,
        "CNI_NETNS": str(path(name(uid))),
        "CNI_IFNAME": "eth0",
        "CNI_PATH": str(real(CNI_PROGRAMS)),
        "CNI_ARGS": "IgnoreUnknown=1;" + ";".join(f"{k}={v}" for k, v in names.items()),
    }
    done = subprocess.run(
        [program], input=json.dumps(stdin), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SandboxError(
            f'plugin type="{plugin["type"]}" failed ({verb.lower()}): {_message(done.stdout) or done.stderr.strip()}'
        )
    answer = json.loads(done.stdout) if done.stdout.strip() else None
    return answer if isinstance(answer, dict) else None


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["msg"])
    except (ValueError, KeyError, TypeError):
        return text.strip()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"{' '.join(command)}: {done.stderr.strip()}")
