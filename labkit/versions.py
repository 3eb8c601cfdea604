"""The version of what a lab keeps: `.lab/<id>/`, the marks on the PCs, the records on the bootstrap server.

All of it has one number, which grows when a reader of the one before could not read it any more. Where nothing says a
number it is 1; keys that a reader does not know are none of its business (docs/decisions/0015).
"""

from __future__ import annotations

from labkit.errors import ConfigError

STATE = 1


def refuse_newer(what: str, found: object) -> None:
    """Raise ConfigError when `what` is of a version that this project does not know; None, said nowhere, is the first.

    Every older version is read. Nothing was changed.
    """
    version = 1 if found is None else found
    if isinstance(version, int) and 1 <= version <= STATE:
        return
    raise ConfigError(
        f"{what} is of version {version}, and this project knows none after {STATE}; nothing was changed",
        "use the newer version of this project that wrote it: `git pull`, or the checkout that it was made with",
    )
