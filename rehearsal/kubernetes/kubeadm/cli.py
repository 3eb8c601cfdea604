"""kubeadm's command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import ApiError, UnreachableError
from rehearsal.kubernetes.node.paths import KUBERNETES

from . import certs, commands, tokens
from .output import CommandError, say, warn
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
    verbs = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    version = _add(verbs, "version", commands.version)
    version.add_argument("-o", "--output", choices=("short", "json", "yaml"))
    _add_init(verbs)
    _add_join(verbs)
    resetting = _add(verbs, "reset", commands.run_reset)
    resetting.add_argument("-f", "--force", action="store_true")
    for flag in ("--config", "--cri-socket", "--cert-dir", "--ignore-preflight-errors"):
        resetting.add_argument(flag)
    resetting.add_argument("--cleanup-tmp-dir", action="store_true")
    _add_config(verbs)
    _add_token(verbs)
    certificates = verbs.add_parser("certs").add_subparsers(dest="part", required=True, parser_class=Parser)
    _add(certificates, "check-expiration", lambda _: certs.check_expiration())
    return parser


def _add(verbs: argparse._SubParsersAction[Parser], name: str, run: Callable[[Arguments], None]) -> Parser:
    parser = verbs.add_parser(name, allow_abbrev=False)
    parser.set_defaults(run=run)
    parser.add_argument("-v", "--v", default="0", help=argparse.SUPPRESS)
    return parser


def _add_init(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(verbs, "init", commands.run_init)
    parser.add_argument("--config")
    parser.add_argument("--ignore-preflight-errors", default="")
    parser.add_argument("--skip-token-print", action="store_true")
    parser.add_argument("--skip-phases", default="")
    parser.add_argument("--upload-certs", action="store_true", help="accepted: there is one control plane only")


def _add_join(verbs: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(verbs, "join", commands.run_join)
    parser.add_argument("endpoint", nargs="?")
    parser.add_argument("--config")
    parser.add_argument("--token")
    parser.add_argument("--discovery-token-ca-cert-hash", action="append", default=[])
    parser.add_argument("--discovery-token-unsafe-skip-ca-verification", action="store_true")
    parser.add_argument("--node-name")
    parser.add_argument("--cri-socket")
    parser.add_argument("--ignore-preflight-errors", default="")


def _add_config(verbs: argparse._SubParsersAction[Parser]) -> None:
    config = verbs.add_parser("config").add_subparsers(dest="part", required=True, parser_class=Parser)
    images = config.add_parser("images").add_subparsers(dest="verb", required=True, parser_class=Parser)
    for name, run in (("list", commands.images_list), ("pull", commands.images_pull)):
        parser = _add(images, name, run)
        parser.add_argument("--config")
        parser.add_argument("--kubernetes-version")
        parser.add_argument("--cri-socket")
        parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))
    validate = _add(config, "validate", commands.validate)
    validate.add_argument("--config", required=True)
    printing = config.add_parser("print").add_subparsers(dest="verb", required=True, parser_class=Parser)
    for name in ("init-defaults", "join-defaults"):
        _add(printing, name, commands.print_defaults).set_defaults(kind=name)


def _add_token(verbs: argparse._SubParsersAction[Parser]) -> None:
    token = verbs.add_parser("token").add_subparsers(dest="part", required=True, parser_class=Parser)
    create = _add(token, "create", commands.token_create)
    create.add_argument("token", nargs="?")
    create.add_argument("--ttl", default="24h0m0s")
    create.add_argument("--print-join-command", action="store_true")
    create.add_argument("--description", default="")
    create.add_argument("--usages", default="signing,authentication")
    create.add_argument("--groups", action="append")
    create.add_argument("--config")
    listing = _add(token, "list", commands.token_list)
    delete = _add(token, "delete", commands.token_delete)
    delete.add_argument("token", nargs="+")
    _add(token, "generate", lambda _: say(tokens.generate()))
    for parser in (create, listing, delete):
        parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG", f"{KUBERNETES}/admin.conf"))


if __name__ == "__main__":
    sys.exit(main())
