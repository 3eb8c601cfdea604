"""`python3 -m rehearsal_api ROLE FLAGS`: start one part of the stand-in control plane."""

from __future__ import annotations

import importlib
import logging
import sys

from .flags import FlagError, fail, parse

ROLES = {
    "apiserver": ".apiserver",
    "controller-manager": ".controllers.manager",
    "scheduler": ".scheduler.main",
    "etcd": ".etcd",
}


def main(arguments: list[str]) -> int:
    """Run until SIGTERM. Exit code 2 for a bad command line, as the real components give."""
    words = [word for word in arguments if word != "--role"]
    role = words[0].rpartition("/")[2].removeprefix("kube-") if words else ""
    if role not in ROLES:
        sys.stderr.write(f"usage: python3 -m rehearsal_api {{{'|'.join(ROLES)}}} [flags]\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        flags = parse(role, words[1:])
    except FlagError as error:
        return fail(role, error)
    code: int = importlib.import_module(ROLES[role], __package__).run(flags)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
