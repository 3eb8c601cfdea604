"""The Python environment that runs Ansible on the bootstrap server. ansible/requirements.txt pins the version."""

from __future__ import annotations

import shlex

from labkit.k8s.tree import REMOTE
from labkit.session import Session

TIMEOUT_S = 600  # a first time downloads some twenty megabytes


def ensure(s: Session) -> bool:
    """Install it unless that version is there; return whether anything was changed. Wheels stay cached there."""
    index = s.lab.sources.python_index_url
    command = [f"{REMOTE}/unit/environment.sh", f"{REMOTE}/requirements.txt", *([index] if index else [])]
    result = s.machines.bootstrap().sudo(shlex.join(command), timeout_s=TIMEOUT_S)
    return "changed:" in result.stdout
