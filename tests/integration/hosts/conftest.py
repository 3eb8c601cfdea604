"""A stand-in PC, and the PowerShell that runs the project's scripts on it."""

from __future__ import annotations

from rehearsal.tests.contracts.hosts.conftest import pc as pc
from rehearsal.tests.contracts.hosts.conftest import pwsh as pwsh
