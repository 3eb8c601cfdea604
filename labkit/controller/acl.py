"""A file for its owner alone on Windows: an access list of one entry, without inheritance, which icacls sets."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from functools import cache
from pathlib import Path

from labkit.errors import LabError

TOKEN_QUERY, TOKEN_USER = 8, 1
OUTPUT = "oem" if sys.platform == "win32" else "utf-8"  # in a pipe, console programs write in the code page of consoles


def restrict(path: Path) -> None:
    """Leave a file or folder to this user; raises LabError with what icacls says where that cannot be."""
    rights = "(OI)(CI)F" if path.is_dir() else "F"
    # The id, as a name may be one that icacls cannot find (AzureAD\...).
    words = ["icacls", str(path), "/inheritance:r", "/grant:r", f"*{user_sid()}:{rights}"]
    done = subprocess.run(words, check=False, capture_output=True, encoding=OUTPUT, errors="replace")
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise LabError(
            f"{path} cannot be kept for its owner alone: icacls says: {said or f'code {done.returncode}'}",
            "keep it in a folder of your own on a drive with NTFS: sticks (exFAT) and network drives may not know any",
        )


@cache
def user_sid() -> str:
    """The id of the user whom this process runs as, such as S-1-5-21-...-1001."""
    kernel, advapi = ctypes.WinDLL("kernel32"), ctypes.WinDLL("advapi32")  # type: ignore[attr-defined,unused-ignore]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    token, size, text = ctypes.c_void_p(), ctypes.c_ulong(), ctypes.c_wchar_p()
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    advapi.OpenProcessToken(process, TOKEN_QUERY, ctypes.byref(token))
    advapi.GetTokenInformation(token, TOKEN_USER, None, 0, ctypes.byref(size))
    user = ctypes.create_string_buffer(size.value)
    advapi.GetTokenInformation(token, TOKEN_USER, user, size, ctypes.byref(size))
    # TOKEN_USER begins with the pointer to the id.
    if not advapi.ConvertSidToStringSidW(ctypes.c_void_p.from_buffer(user), ctypes.byref(text)):
        raise LabError("Windows does not tell the id of the user whom this runs as")
    kernel.CloseHandle(token)
    return str(text.value)
