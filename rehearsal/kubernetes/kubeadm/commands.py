"""What kubeadm's commands do, each with its parsed arguments."""

from __future__ import annotations

import argparse
import json

import yaml

from rehearsal.kubernetes.node import kubeconfig, machine
from rehearsal.kubernetes.node.api import Api
from rehearsal.kubernetes.node.images import NoSuchImageError, folder
from rehearsal.kubernetes.node.paths import kubernetes_version, real

from . import defaults, init, join, reset, tokens
from .config import load_init, load_join, read
from .output import CommandError, say
from .rules import check_token

Arguments = argparse.Namespace


def _words(text: str | None) -> list[str]:
    return [word for word in (text or "").split(",") if word]


def version(arguments: Arguments) -> None:
    version = kubernetes_version()
    major, minor = version[1:].split(".")[:2]
    details = {
        "major": major,
        "minor": minor,
        "gitVersion": version,
        "gitTreeState": "stand-in",
        "platform": "linux/amd64",
    }
    if arguments.output == "short":
        say(version)
    elif arguments.output == "json":
        say(json.dumps({"clientVersion": details}, indent=2))
    elif arguments.output == "yaml":
        say(yaml.safe_dump({"clientVersion": details}).rstrip())
    else:
        fields = ", ".join(f'{key[0].upper() + key[1:]}:"{value}"' for key, value in details.items())
        say(f"kubeadm version: &version.Info{{{fields}}}")


def run_init(arguments: Arguments) -> None:
    init.run(
        arguments.config,
        _words(arguments.ignore_preflight_errors),
        skip_token_print=arguments.skip_token_print,
        skip_phases=_words(arguments.skip_phases),
    )


def run_join(arguments: Arguments) -> None:
    overrides: dict[str, object] = {}
    if arguments.endpoint or arguments.token:
        if arguments.config:
            raise CommandError("can not mix '--config' with arguments [discovery-token-ca-cert-hash token]")
        overrides["discovery"] = {"bootstrapToken": {
            "apiServerEndpoint": arguments.endpoint or "", "token": arguments.token or "",
            "caCertHashes": arguments.discovery_token_ca_cert_hash,
            "unsafeSkipCAVerification": arguments.discovery_token_unsafe_skip_ca_verification,
        }}  # fmt: skip
    named = {"name": arguments.node_name, "criSocket": arguments.cri_socket}
    overrides["nodeRegistration"] = {key: value for key, value in named.items() if value}
    join.run(arguments.config, overrides, _words(arguments.ignore_preflight_errors))


def run_reset(arguments: Arguments) -> None:
    reset.run(arguments.config, force=arguments.force, ignored=_words(arguments.ignore_preflight_errors))


def images_list(arguments: Arguments) -> None:
    settings = load_init(arguments.config)
    if arguments.kubernetes_version:
        settings.cluster["kubernetesVersion"] = "v" + arguments.kubernetes_version.removeprefix("v")
    names = defaults.images(settings.cluster)
    if arguments.output == "json":
        say(json.dumps({"kind": "Images", "apiVersion": "output.kubeadm.k8s.io/v1alpha3", "images": names}, indent=4))
    else:
        say("\n".join(names))


def images_pull(arguments: Arguments) -> None:
    settings = load_init(arguments.config)
    problem = machine.cri_problem(arguments.cri_socket or settings.init["nodeRegistration"]["criSocket"])
    if problem:
        raise CommandError(f"could not connect to the container runtime: {problem}")
    for image in defaults.images(settings.cluster):
        try:
            folder(image)
        except NoSuchImageError as error:
            raise CommandError(f'failed to pull image "{image}": {error}') from None
        say(f"[config/images] Pulled {image}")


def validate(arguments: Arguments) -> None:
    kinds = {document["kind"] for document in read(arguments.config)}
    if "JoinConfiguration" in kinds:
        load_join(arguments.config, {})
    elif kinds & {"InitConfiguration", "ClusterConfiguration"}:
        load_init(arguments.config)
    say("ok")


def print_defaults(arguments: Arguments) -> None:
    if arguments.kind == "join-defaults":
        token = {
            "apiServerEndpoint": "kube-apiserver:6443",
            "token": "abcdef.0123456789abcdef",
            "unsafeSkipCAVerification": True,
        }
        body = defaults.merged(
            defaults.join(), {"discovery": {"bootstrapToken": token, "tlsBootstrapToken": token["token"]}}
        )
        say(yaml.safe_dump(body).rstrip())
        return
    first = defaults.merged(defaults.init(), {"bootstrapTokens": [defaults.bootstrap_token("abcdef.0123456789abcdef")]})
    first["localAPIEndpoint"]["advertiseAddress"], first["nodeRegistration"]["name"] = "1.2.3.4", "node"
    cluster = defaults.cluster()
    cluster["kubernetesVersion"] = ".".join(cluster["kubernetesVersion"][1:].split(".")[:2]) + ".0"
    say("---\n".join(yaml.safe_dump(body) for body in (first, cluster)).rstrip())


def _login(arguments: Arguments) -> Api:
    if not real(arguments.kubeconfig).exists():
        raise CommandError(f"failed to load admin kubeconfig: open {arguments.kubeconfig}: no such file or directory")
    return kubeconfig.login(arguments.kubeconfig)


def token_create(arguments: Arguments) -> None:
    token = arguments.token or tokens.generate()
    check_token(token)
    api = _login(arguments)
    entry = defaults.bootstrap_token(token) | {
        "ttl": arguments.ttl,
        "usages": _words(arguments.usages),
        "description": arguments.description,
    }
    if arguments.groups:
        entry["groups"] = arguments.groups
    tokens.store(api, entry)
    if "signing" in entry["usages"]:
        tokens.sign_cluster_info(api, token)
    server, _ = kubeconfig.server_and_ca(arguments.kubeconfig)
    say(init.join_command(server.removeprefix("https://"), token) if arguments.print_join_command else token)


def token_list(arguments: Arguments) -> None:
    rows = [("TOKEN", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS")]
    for found in tokens.stored(_login(arguments)):
        usages = ",".join(
            key.removeprefix("usage-bootstrap-") for key in sorted(found) if key.startswith("usage-bootstrap-")
        )
        rows.append((f"{found['token-id']}.{found['token-secret']}", found.get("expiration", "<never>"), usages,
                     found.get("description") or "<none>", found.get("auth-extra-groups", "")))  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows if len(rows) > 1 else ():
        say("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def token_delete(arguments: Arguments) -> None:
    api = _login(arguments)
    for token in arguments.token:
        say(f'bootstrap token "{tokens.remove(api, token)}" deleted')
