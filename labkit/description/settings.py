"""A user's own settings of Ansible's roles: `ansible/group_vars/all.yml`, which git ignores.

Ansible itself takes a name that no role reads without a word; their values are checked by stage 1.
"""

from __future__ import annotations

import difflib

import yaml

from labkit.description.source import Problem, Source, read
from labkit.project import ANSIBLE

FILE = ANSIBLE / "group_vars" / "all.yml"


def load() -> Source | None:
    """The file with all that is wrong in it, or None where there is none. ConfigError when it is no mapping."""
    if not FILE.exists():
        return None
    source = read(FILE)
    names = known()
    for name in source.data or {}:
        if name not in names:
            source.problems.append(Problem((name,), "no role has this setting", _fix(str(name), names)))
    return source


def known() -> set[str]:
    """Every setting of every role."""
    files = ANSIBLE.glob("roles/*/meta/argument_specs.yml")
    read = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    return {name for one in read for name in one["argument_specs"]["main"]["options"]}


def _fix(name: str, names: set[str]) -> str:
    if name.startswith("lab_"):
        return "invoke.yaml says it; remove it here"
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"did you mean {near[0]}?" if near else "remove it; ansible/roles/*/defaults/main.yml name every setting"
