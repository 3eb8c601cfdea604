"""What the rules say about the rest of a description in which some values are wrong, so that all is told at once.

Wrong values are replaced by stand-ins that break no rule by themselves; what a rule says about a wrong place is left
out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from labkit.description import rules
from labkit.description.models import LARGEST_NUMBER, LabModel
from labkit.description.source import KeyPath, Problem

OF_THE_LAB = {"id": "0000", "host_user": "nobody", "iso_path": "C:\\none"}
OF_A_MACHINE: dict[str, Callable[[int], Any]] = {
    "name": lambda index: f"unnamed-{index}",
    "number": lambda index: LARGEST_NUMBER - index,
    "host": lambda index: "",
    "roles": lambda index: ["worker"],
    "cpus": lambda index: 1,
    "memory_mb": lambda index: 4096,
    "disk_gb": lambda index: 10,
}


def problems(below: dict[str, Any], wrong: Sequence[KeyPath]) -> list[Problem]:
    """The rules' problems with everything but the `wrong` places; none when too little is right to tell."""
    data = copy.deepcopy(below)
    try:
        for path in wrong:
            _replace(data, path)
        model = LabModel.model_validate(data)
    except (ValidationError, LookupError, TypeError):
        return []
    found = rules.check(model, id_is_known=("id",) not in wrong)
    return [problem for problem in found if not any(_follows(problem.path, path) for path in wrong)]


def _replace(data: dict[str, Any], path: KeyPath) -> None:
    if path[0] == "machines" and len(path) > 2 and path[2] in OF_A_MACHINE:
        machine, key = data["machines"][path[1]], str(path[2])
        machine[key] = OF_A_MACHINE[key](int(path[1]))
    elif len(path) == 1 and path[0] in OF_THE_LAB:
        data[path[0]] = OF_THE_LAB[path[0]]
    else:
        here: Any = data
        for part in path[:-1]:
            here = here[part]
        here.pop(path[-1], None)


def _follows(place: KeyPath, wrong: KeyPath) -> bool:
    """Whether one place is the other or lies in it; a host that is misspelt is missed by its machines too."""
    shared = min(len(place), len(wrong))
    return place[:shared] == wrong[:shared] or (place[-1] == "host" and wrong[0] == "hosts")
