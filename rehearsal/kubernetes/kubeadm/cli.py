"""kubeadm's command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence

import yaml

from rehearsal.kubernetes.node import kubeconfig, machine
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.images import NoSuchImageError, folder
from rehearsal.kubernetes.node.paths import KUBERNETES, kubernetes_version, real

from . import certs, defaults, init, join, reset, tokens
from .config import load_init, load_join, read
from .output import CommandError, say, warn
from .rules import check_token
from .schema import ConfigError

Arguments = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """cobra's words for a wrong command line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        unknown = message.partition("unrecognized arguments: ")[2]
        text = f"unknown flag: {unknown.split()[0].split('=')[0]}" if unknown.startswith("-") else message
        warn(f"error: {text}\nTo see the stack trace of this error execute with --v=5 or higher")
        raise SystemExit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except (CommandError, ConfigError, kubeconfig.KubeconfigError, ApiError, UnreachableError) as error:
        warn(f"{error}" if str(error).startswith("error") else f"error: {error}")
        warn("To see the stack trace of this error execute with --v=5 or higher")
        return getattr(error, "code", 1)
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> Parser:
    parser = Parser(prog="kubeadm", description="kubeadm (a stand-in of the rehearsal)", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    version = _add(commands, "version", _version)
    version.add_argument("-o", "--output", choices=("short", "json", "yaml"))
    _add_init(commands)
    _add_join(commands)
    resetting = _add(commands, "reset", _reset)
    resetting.add_argument("-f", "--force", action="store_true")
    for flag in ("--config", "--cri-socket", "--cert-dir", "--ignore-preflight-errors"):
        resetting.add_argument(flag)
    resetting.add_argument("--cleanup-tmp-dir", action="store_true")
    _add_config(commands)
    _add_token(commands)
    certificates = commands.add_parser("certs").add_subparsers(dest="part", required=True, parser_class=Parser)
    _add(certificates, "check-expiration", lambda _: certs.check_expiration())
    return parser


def _add(commands: argparse._SubParsersAction[Parser], name: str, run: Callable[[Arguments], None]) -> Parser:
    parser = commands.add_parser(name, allow_abbrev=False)
    parser.set_defaults(run=run)
    parser.add_argument("-v", "--v", default="0", help=argparse.SUPPRESS)
    return parser


def _add_init(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(commands, "init", _init)
    parser.add_argument("--config")
    parser.add_argument("--ignore-preflight-errors", default="")
    parser.add_argument("--skip-token-print", action="store_true")
    parser.add_argument("--upload-certs", action="store_true", help="accepted: there is one control plane only")


def _add_join(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(commands, "join", _join)
    parser.add_argument("endpoint", nargs="?")
    parser.add_argument("--config")
    parser.add_argument("--token")
    parser.add_argument("--discovery-token-ca-cert-hash", action="append", default=[])
    parser.add_argument("--discovery-token-unsafe-skip-ca-verification", action="store_true")
    parser.add_argument("--node-name")
    parser.add_argument("--cri-socket")
    parser.add_argument("--ignore-preflight-errors", default="")


def _add_config(commands: argparse._SubParsersAction[Parser]) -> None:
    config = commands.add_parser("config").add_subparsers(dest="part", required=True, parser_class=Parser)
    images = config.add_parser("images").add_subparsers(dest="verb", required=True, parser_class=Parser)
    for name, run in (("list", _images_list), ("pull", _images_pull)):
        parser = _add(images, name, run)
        parser.add_argument("--config")
        parser.add_argument("--kubernetes-version")
        parser.add_argument("--cri-socket")
        parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))
    validate = _add(config, "validate", _validate)
    validate.add_argument("--config", required=True)
    printing = config.add_parser("print").add_subparsers(dest="verb", required=True, parser_class=Parser)
    for name in ("init-defaults", "join-defaults"):
        _add(printing, name, _print_defaults).set_defaults(kind=name)


def _add_token(commands: argparse._SubParsersAction[Parser]) -> None:
    token = commands.add_parser("token").add_subparsers(dest="part", required=True, parser_class=Parser)
    create = _add(token, "create", _token_create)
    create.add_argument("token", nargs="?")
    create.add_argument("--ttl", default="24h0m0s")
    create.add_argument("--print-join-command", action="store_true")
    create.add_argument("--description", default="")
    create.add_argument("--usages", default="signing,authentication")
    create.add_argument("--groups", action="append")
    create.add_argument("--config")
    listing = _add(token, "list", _token_list)
    delete = _add(token, "delete", _token_delete)
    delete.add_argument("token", nargs="+")
    _add(token, "generate", lambda _: say(tokens.generate()))
    for parser in (create, listing, delete):
        parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG", f"{KUBERNETES}/admin.conf"))


def _words(text: str | None) -> list[str]:
    return [word for word in (text or "").split(",") if word]


def _version(arguments: Arguments) -> None:
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


def _init(arguments: Arguments) -> None:
    init.run(arguments.config, _words(arguments.ignore_preflight_errors), skip_token_print=arguments.skip_token_print)


def _join(arguments: Arguments) -> None:
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


def _reset(arguments: Arguments) -> None:
    reset.run(arguments.config, force=arguments.force, ignored=_words(arguments.ignore_preflight_errors))


def _images_list(arguments: Arguments) -> None:
    settings = load_init(arguments.config)
    if arguments.kubernetes_version:
        settings.cluster["kubernetesVersion"] = "v" + arguments.kubernetes_version.removeprefix("v")
    names = defaults.images(settings.cluster)
    if arguments.output == "json":
        say(json.dumps({"kind": "Images", "apiVersion": "output.kubeadm.k8s.io/v1alpha3", "images": names}, indent=4))
    else:
        say("\n".join(names))


def _images_pull(arguments: Arguments) -> None:
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


def _validate(arguments: Arguments) -> None:
    kinds = {document["kind"] for document in read(arguments.config)}
    if "JoinConfiguration" in kinds:
        load_join(arguments.config, {})
    elif kinds & {"InitConfiguration", "ClusterConfiguration"}:
        load_init(arguments.config)
    say("ok")


def _print_defaults(arguments: Arguments) -> None:
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


def _token_create(arguments: Arguments) -> None:
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


def _token_list(arguments: Arguments) -> None:
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


def _token_delete(arguments: Arguments) -> None:
    api = _login(arguments)
    for token in arguments.token:
        say(f'bootstrap token "{tokens.remove(api, token)}" deleted')


if __name__ == "__main__":
    sys.exit(main())
