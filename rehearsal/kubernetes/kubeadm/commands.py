"""What kubeadm's commands do, each with its parsed arguments."""

from __future__ import annotations

import argparse

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.paths import KUBERNETES, real

from . import defaults, init, join, reset, tokens
from .config import load_reset
from .output import CommandError, say

Arguments = argparse.Namespace
ADMIN = f"{KUBERNETES}/admin.conf"


def run_init(arguments: Arguments) -> None:
    init.run(arguments.config, [word for word in arguments.skip_phases.split(",") if word])


def run_join(arguments: Arguments) -> None:
    overrides: dict[str, object] = {}
    if arguments.endpoint or arguments.token:
        if arguments.config:
            raise CommandError("can not mix '--config' with arguments [discovery-token-ca-cert-hash token]")
        pinned = arguments.discovery_token_ca_cert_hash
        overrides["discovery"] = {"bootstrapToken": {
            "apiServerEndpoint": arguments.endpoint or "", "token": arguments.token or "",
            "caCertHashes": [pinned] if pinned else [],
        }}  # fmt: skip
    join.run(arguments.config, overrides)


def run_reset(arguments: Arguments) -> None:
    if arguments.config and arguments.force:
        raise CommandError("can not mix '--config' with arguments [force]")
    settings = load_reset(arguments.config) if arguments.config else {"force": arguments.force}
    if not settings.get("force"):  # it would ask, and nobody is there who answers
        raise CommandError("won't proceed; the user didn't answer (Y|y) in order to continue")
    reset.run(settings.get("unmountFlags") or [])


def token_create(arguments: Arguments) -> None:
    if not real(ADMIN).exists():
        raise CommandError(f"failed to load admin kubeconfig: open {ADMIN}: no such file or directory")
    token = tokens.generate()
    api = kubeconfig.login(ADMIN)
    tokens.store(api, defaults.bootstrap_token(token) | {"ttl": arguments.ttl})
    tokens.sign_cluster_info(api, token)
    server, _ = kubeconfig.server_and_ca(ADMIN)
    say(init.join_command(server.removeprefix("https://"), token))
