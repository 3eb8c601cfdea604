"""Whether somebody at a terminal can answer."""

from __future__ import annotations

import sys
from typing import TextIO


def is_there() -> bool:
    """Whether what is typed comes in by standard input: nobody types into a pipe, a file or a device without keys."""
    source = sys.stdin
    return source is not None and source.isatty() and not _is_another_device(source)


if sys.platform == "win32":
    import ctypes
    import msvcrt

    def _is_another_device(source: TextIO) -> bool:
        """Windows' `isatty` is true of every device, NUL among them, and `getpass` then waits for keys for ever."""
        try:
            handle = msvcrt.get_osfhandle(source.fileno())
        except (OSError, ValueError):  # no file of the system stands behind it
            return False
        return not ctypes.windll.kernel32.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(ctypes.c_ulong()))

else:

    def _is_another_device(source: TextIO) -> bool:
        return False
