"""How long `inv` takes before any task begins: `python -m benchmarks.startup`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from labkit.project import ROOT

RUNS = 15
COMMANDS = (["--version"], ["--list"], ["--help", "lab.rebuild"])


def seconds(words: list[str]) -> float:
    """The wall time of one `inv` with these words."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "invoke", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    """Print median and longest of each command."""
    for words in COMMANDS:
        taken = [seconds(words) for _ in range(RUNS)]
        print(f"inv {' '.join(words):20} median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s")


if __name__ == "__main__":
    main()
