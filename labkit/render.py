"""Fill the templates: files that machines read, made from the lab's description. Never programs.

A variable that a template names and nobody gives is an error, so a misspelt name cannot become an empty setting.
"""

from __future__ import annotations

import shlex
from functools import cache
from typing import Any

import jinja2

from labkit.project import TEMPLATES


def render(name: str, **values: Any) -> str:
    """The text of `templates/<name>` filled with `values`; raises jinja2.UndefinedError for a missing one.

    Besides Jinja's own filters a template has `quote`: its value as one word of a POSIX shell.
    """
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - nothing rendered here is HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
    )
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    return environment
