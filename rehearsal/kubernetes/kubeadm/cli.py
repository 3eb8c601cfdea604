"""kubeadm's command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import ApiError, UnreachableError

from . import commands
from .output import CommandError, warn
from .schema import ConfigError

Arguments = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """The commands and flags that the lab gives; any other is refused, the real program's too."""

    def error(self, message: str) -> None:  # type: ignore[override]
        unknown = message.partition("unrecognized arguments: ")[2]
        text = f"unknown flag: {unknown.split()[0].split('=')[0]}" if unknown.startswith("-") else message
        warn(f"error: {text}\nThis kubeadm is a stand-in of the rehearsal: it serves what the lab calls, and no more")
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
    starting = _add(verbs, "init", commands.run_init)
    starting.add_argument("--config", required=True)
    starting.add_argument("--skip-phases", default="")
    joining = _add(verbs, "join", commands.run_join)
    joining.add_argument("endpoint", nargs="?")
    for flag in ("--config", "--token", "--discovery-token-ca-cert-hash"):
        joining.add_argument(flag)
    resetting = _add(verbs, "reset", commands.run_reset)
    resetting.add_argument("-f", "--force", action="store_true")
    resetting.add_argument("--config")
    token = verbs.add_parser("token").add_subparsers(dest="part", required=True, parser_class=Parser)
    creating = _add(token, "create", commands.token_create)
    creating.add_argument("--ttl", default="24h0m0s")
    creating.add_argument("--print-join-command", action="store_true", required=True)
    return parser


def _add(verbs: argparse._SubParsersAction[Parser], name: str, run: Callable[[Arguments], None]) -> Parser:
    parser = verbs.add_parser(name, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
