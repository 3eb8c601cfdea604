"""PowerShell, and what runs a snippet on a stand-in PC."""

from __future__ import annotations

from rehearsal.tests.contracts.hosts.conftest import ask as ask
from rehearsal.tests.contracts.hosts.conftest import pwsh as pwsh
