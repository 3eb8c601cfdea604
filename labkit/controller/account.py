"""Who types `inv` on this computer."""

from __future__ import annotations

import getpass


def current() -> str:
    """The user's name; '' where neither a variable nor an account says it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # which of them depends on Python's version
        return ""
