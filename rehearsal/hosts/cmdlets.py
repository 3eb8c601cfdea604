"""Builds the stand-in cmdlets: C# sources compiled once by PowerShell's own compiler, then kept by content."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

SOURCES = Path(__file__).parent / "powershell"
_LOCK = threading.Lock()


def cache() -> Path:
    """Return the folder for what can be made again, outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hyperv-k8s-lab" / "cmdlets"


def find_pwsh() -> Path | None:
    """Return the PowerShell 7 to run scripts with: LAB_PWSH, else `pwsh` on the PATH, else None."""
    found = shutil.which(os.environ.get("LAB_PWSH") or "pwsh")
    return Path(found) if found else None


def build(pwsh: Path) -> Path:
    """Return the module's manifest, compiled now if these sources were never compiled by this PowerShell.

    subprocess.CalledProcessError, with the compiler's messages in `stderr`, when they do not compile.
    """
    sources = sorted(path for path in SOURCES.rglob("*") if path.is_file())
    digest = hashlib.sha256(str(pwsh.resolve()).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    folder = cache() / digest.hexdigest()[:16]
    with _LOCK:
        if not folder.exists():
            _compile(pwsh, folder)
    return folder / "WindowsStandIn.psd1"


def _compile(pwsh: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
    try:
        script = str(SOURCES / "Build-StandIn.ps1")
        command = [str(pwsh), "-NoProfile", "-NonInteractive", "-File", script, "-Destination", str(fresh)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        for path in SOURCES.glob("*.ps[md]1"):
            shutil.copy(path, fresh)
        fresh.rename(folder)
    except OSError:
        # Another process was quicker: what it made is the same.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
