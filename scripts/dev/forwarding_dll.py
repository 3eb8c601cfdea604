"""Write a DLL for 64-bit Windows without any code: its one function is another DLL's, a "forwarding export".

    python scripts/dev/forwarding_dll.py bcryptprimitives.dll ProcessPrng advapi32.SystemFunction036 > FILE

Programs written in Rust (pydantic-core, bcrypt) take random bytes from ProcessPrng(bytes, length) of Windows 10, and
bcryptprimitives.dll, which has it, is not in Wine 8. RtlGenRandom, whose name in advapi32.dll is SystemFunction036,
takes the same two arguments and does the same.

Of the format (PE/COFF, documented by Microsoft): an export whose address lies inside the table of exports is no code
but the text `DLL.Function`, and the loader looks there. So this file has headers and that table, in one section.
"""

from __future__ import annotations

import struct
import sys

SECTION_RVA, SECTION_OFFSET = 0x1000, 0x200  # where the section lies in memory and in the file
DIRECTORY = struct.Struct("<IIHHIIIIIII")


def exports(dll: str, function: str, target: str) -> bytes:
    """The table of exports: its directory, one address, one name, one ordinal, and the three texts."""
    address = SECTION_RVA + DIRECTORY.size
    name, ordinal, texts = address + 4, address + 8, address + 10
    dll_rva, function_rva = texts, texts + len(dll) + 1
    target_rva = function_rva + len(function) + 1
    directory = DIRECTORY.pack(0, 0, 0, 0, dll_rva, 1, 1, 1, address, name, ordinal)
    return directory + struct.pack("<IIH", target_rva, function_rva, 0) + f"{dll}\0{function}\0{target}\0".encode()


def headers(size: int) -> bytes:
    """All that stands before the section, whose content has `size` bytes; padded to its place in the file."""
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)  # where the next one stands
    x86_64, dll_of_large_addresses, optional_size = 0x8664, 0x2022, 240
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", x86_64, 1, 0, 0, 0, optional_size, dll_of_large_addresses)
    optional = struct.pack("<HBBIIIII", 0x20B, 0, 0, 0, SECTION_OFFSET, 0, 0, 0)  # no code, no entry point
    optional += struct.pack("<QII", 0x180000000, 0x1000, 0x200)  # base; alignment in memory and in the file
    optional += struct.pack("<6HI", 10, 0, 0, 0, 10, 0, 0)  # for Windows 10
    optional += struct.pack("<IIIHH", 2 * SECTION_RVA, SECTION_OFFSET, 0, 3, 0x100)  # a console's; data is not run
    optional += struct.pack("<QQQQII", 1 << 20, 1 << 12, 1 << 20, 1 << 12, 0, 16)
    optional += struct.pack("<II", SECTION_RVA, size) + bytes(15 * 8)  # the exports are the first of 16 directories
    initialized_readable = 0x40000040
    section = b".edata\0\0" + struct.pack("<IIII", size, SECTION_RVA, SECTION_OFFSET, SECTION_OFFSET)
    section += struct.pack("<IIHHI", 0, 0, 0, 0, initialized_readable)
    return (dos + coff + optional + section).ljust(SECTION_OFFSET, b"\0")


def dll(name: str, function: str, target: str) -> bytes:
    """The whole file of the DLL `name`, whose `function` is `target`: `DLL.Function`."""
    content = exports(name, function, target)
    return headers(len(content)) + content.ljust(SECTION_OFFSET, b"\0")


if __name__ == "__main__":
    sys.stdout.buffer.write(dll(*sys.argv[1:4]))
