"""The kubelet-start phase: its configuration and flags on disk, the service started, its health waited for."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import time
from typing import Any

import yaml

from rehearsal.kubernetes.node import machine
from rehearsal.kubernetes.node.paths import KUBELET, KUBELET_CONFIG, KUBELET_FLAGS, write

from . import duration
from .output import CommandError, phase, say

Object = dict[str, Any]
INSTANCE_CONFIG = f"{KUBELET}/instance-config.yaml"
UNHEALTHY = """
Unfortunately, an error has occurred, likely caused by:
\t- The kubelet is not running
\t- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)

If you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:
\t- 'systemctl status kubelet'
\t- 'journalctl -xeu kubelet'
"""


def write_files(configuration: Object, registration: Object) -> None:
    """config.yaml, the CRI socket's instance configuration, and the flags of kubeletExtraArgs."""
    endpoint = registration["criSocket"]
    phase("kubelet-start", f'Writing kubelet environment file with flags to file "{KUBELET_FLAGS}"')
    write(KUBELET_FLAGS, f'KUBELET_KUBEADM_ARGS="{" ".join(flags(registration))}"\n', 0o600)
    instance = {
        "apiVersion": configuration["apiVersion"],
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": endpoint,
    }
    write(INSTANCE_CONFIG, yaml.safe_dump(instance), 0o644)
    phase("kubelet-start", f'Writing kubelet configuration to file "{KUBELET_CONFIG}"')
    write(KUBELET_CONFIG, yaml.safe_dump({**configuration, "containerRuntimeEndpoint": endpoint}), 0o644)


def flags(registration: Object) -> list[str]:
    """What goes into kubeadm-flags.env: taints, the name where it is not the host's, and kubeletExtraArgs."""
    result = []
    if registration["name"] != machine.hostname():
        result.append(f"--hostname-override={registration['name']}")
    taints = ",".join(f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in registration.get("taints") or [])
    if taints:
        result.append(f"--register-with-taints={taints}")
    extra = registration.get("kubeletExtraArgs") or []
    return result + [f"--{argument['name']}={argument.get('value', '')}" for argument in extra]


def start() -> None:
    phase("kubelet-start", "Starting the kubelet")
    systemctl("daemon-reload")
    systemctl("restart", "kubelet")


def stop() -> None:
    systemctl("stop", "kubelet")


def systemctl(*arguments: str) -> None:
    """The real program warns and goes on when there is no init system to ask; so does this one."""
    if shutil.which("systemctl") is None:
        phase("kubelet-start", "no supported init system detected, won't make sure the kubelet is running properly.")
        return
    result = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        say(f"W [kubelet-start] systemctl {' '.join(arguments)}: {result.stderr.strip()}")


def wait_healthy(configuration: Object, timeouts: Object) -> None:
    """Until http://127.0.0.1:10248/healthz says ok. Raises CommandError at kubeletHealthCheck's end."""
    limit = duration.seconds(timeouts["kubeletHealthCheck"])
    host, port = configuration.get("healthzBindAddress", "127.0.0.1"), configuration.get("healthzPort", 10248)
    url = f"http://{host}:{port}/healthz"
    phase("kubelet-check", f"Waiting for a healthy kubelet at {url}. This can take up to {duration.written(limit)}")
    started = time.monotonic()
    while (problem := _health(configuration)) is not None:
        if time.monotonic() - started > limit:
            phase("kubelet-check", f"The kubelet is not healthy after {duration.written(limit)}\n{UNHEALTHY}")
            raise CommandError(
                f"error execution phase wait-control-plane: failed while waiting for the kubelet to "
                f"start: The HTTP call equal to 'curl -sSL {url}' returned error: {problem}"
            )
        time.sleep(0.2)
    phase("kubelet-check", f"The kubelet is healthy after {(time.monotonic() - started) * 1000:.6f}ms")


def _health(configuration: Object) -> str | None:
    host, port = configuration.get("healthzBindAddress", "127.0.0.1"), configuration.get("healthzPort", 10248)
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return (
            None if answer.status == 200 else f"HTTP status {answer.status}: {answer.read().decode(errors='replace')}"
        )
    except OSError as error:
        return (
            f'Get "http://{host}:{port}/healthz": dial tcp {host}:{port}: connect: '
            f"{(error.strerror or str(error)).lower()}"
        )
    finally:
        connection.close()
