"""Where the project's own files lie. labkit is installed from its checkout (`pip install -e .`), never alone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
POWERSHELL = ROOT / "scripts" / "powershell"
BASH = ROOT / "scripts" / "bash"
PYTHON = ROOT / "scripts" / "python"
ANSIBLE = ROOT / "ansible"
