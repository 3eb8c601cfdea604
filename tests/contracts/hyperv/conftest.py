"""A stand-in PC, PowerShell, and what runs a snippet there."""

from __future__ import annotations

from rehearsal.tests.contracts.hosts.conftest import ask as ask
from rehearsal.tests.contracts.hosts.conftest import pc as pc
from rehearsal.tests.contracts.hosts.conftest import pwsh as pwsh
