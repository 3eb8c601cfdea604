"""Files that another program holds for a moment: a virus scanner, the indexer or OneDrive looks at each fresh one.

Windows lets nobody replace, rename or remove a file meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

TRIES = 6
PAUSE_S = 0.2

Done = TypeVar("Done")


def patiently(action: Callable[[], Done]) -> Done:
    """Do it; on Windows again, for a second, while that is refused. Raises PermissionError when it stays so."""
    for _ in range(TRIES - 1 if os.name == "nt" else 0):
        try:
            return action()
        except PermissionError:  # errors 5 and 32 of Windows
            time.sleep(PAUSE_S)
    return action()
