"""A thin crictl: version and info from the real runtime's socket, ps and pods from the stand-in's own state."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from . import images, machine, runtime
from .paths import CRI_SOCKET, IMAGES, kubernetes_version, real


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="crictl", allow_abbrev=False)
    parser.add_argument("-r", "--runtime-endpoint", default=f"unix://{CRI_SOCKET}")
    parser.add_argument("-i", "--image-endpoint", default="")
    parser.add_argument("--version", action="version", version=f"crictl version {kubernetes_version()} (stand-in)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("version", "info", "images", "pods"):
        commands.add_parser(name)
    listing = commands.add_parser("ps")
    listing.add_argument("-a", "--all", action="store_true")
    listing.add_argument("-q", "--quiet", action="store_true")
    pull = commands.add_parser("pull")
    pull.add_argument("image")
    parsed = parser.parse_args(arguments)
    problem = machine.cri_problem(parsed.runtime_endpoint)
    if problem:
        print(
            f"FATA[0000] validate service connection: validate CRI v1 runtime API for endpoint "
            f'"{parsed.runtime_endpoint}": rpc error: code = Unavailable desc = connection error: desc = '
            f'"transport: Error while dialing: {problem}"',
            file=sys.stderr,
        )
        return 1
    return {"version": _version, "info": _info, "images": _images, "pods": _pods, "ps": _ps, "pull": _pull}[
        parsed.command
    ](parsed)


def _version(parsed: argparse.Namespace) -> int:
    runtime_name = machine.container_runtime(parsed.runtime_endpoint).removeprefix("containerd://")
    print(f"Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  {runtime_name}\nRuntimeApiVersion:  v1")
    return 0


def _info(parsed: argparse.Namespace) -> int:
    ready = [{"type": "RuntimeReady", "status": True, "reason": "", "message": ""}]
    print(
        json.dumps({"status": {"conditions": ready}, "note": "a stand-in: pods are processes of the machine"}, indent=2)
    )
    return 0


def _images(parsed: argparse.Namespace) -> int:
    print(f"{'IMAGE':<40}TAG")
    for folder in sorted(real(IMAGES).iterdir()):
        print(f"{folder.name:<40}stand-in")
    return 0


def _pull(parsed: argparse.Namespace) -> int:
    try:
        images.folder(parsed.image)
    except images.NoSuchImageError as error:
        print(f"FATA[0000] pulling image: {error}", file=sys.stderr)
        return 1
    print(f"Image is up to date for {parsed.image}")
    return 0


def _pods(parsed: argparse.Namespace) -> int:
    print(f"{'POD ID':<16}{'STATE':<10}{'NAME':<50}NAMESPACE")
    for pod in runtime.pods():
        metadata = pod["metadata"]
        print(f"{metadata['uid'].replace('-', '')[:13]:<16}{'Ready':<10}{metadata['name']:<50}{metadata['namespace']}")
    return 0


def _ps(parsed: argparse.Namespace) -> int:
    rows = []
    for pod in runtime.pods():
        for name in runtime.containers(pod["metadata"]["uid"]):
            state = runtime.state(pod["metadata"]["uid"], name)
            if state and (state.running or parsed.all):
                age = f"{int((time.time() - state.started) / 60)} minutes ago"
                word = "Running" if state.running else "Exited"
                rows.append(
                    (
                        f"{pod['metadata']['uid'].replace('-', '')[:8]}{abs(hash(name)) % 100000:05d}",
                        age,
                        word,
                        name,
                        str(state.attempt),
                        pod["metadata"]["name"],
                    )
                )
    if parsed.quiet:
        print("\n".join(row[0] for row in rows))
        return 0
    widths = (16, 20, 10, 30, 9, 0)
    for row in [("CONTAINER", "CREATED", "STATE", "NAME", "ATTEMPT", "POD"), *rows]:
        print("".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
