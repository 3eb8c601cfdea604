"""Prints the table of PCs as one page: each PC, what is found, how to put it right. `make pcs`."""

from __future__ import annotations

from tests.pcs.table import BASES, FILES, Pc, read

KINDS = {False: "refused", True: "warning"}


def page(pcs: list[Pc]) -> str:
    """The page: a paragraph a PC."""
    return "\n\n".join(_paragraph(pc) for pc in pcs)


def _paragraph(pc: Pc) -> str:
    lines = [f"{pc.name}: {pc.row['about']}"]
    for one in pc.findings:
        lines += [f"  {KINDS[one.is_warning]}  {one.found}: {one.why}", f"       fix  {one.fix}"]
    return "\n".join(lines if lines[1:] else [*lines, "  nothing is wrong"])


if __name__ == "__main__":
    print(page([read(file) for file in [*BASES, *FILES]]))
