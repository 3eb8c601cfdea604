"""Tables, the form in which kubectl get shows objects: the server lays out the columns.

Stands in for k8s.io/kubernetes/pkg/printers. The columns and their wording of the common kinds are the real ones;
other kinds show name and age, custom ones the columns of their definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import tables_cluster, tables_workloads
from .ages import age
from .objects import Obj, dig, name_of
from .resources import Resource


@dataclass(frozen=True)
class Layout:
    """The columns of a kind: those always shown, those of `-o wide`, and the cells of one object."""

    columns: tuple[str, ...]
    wide: tuple[str, ...]
    cells: Callable[[Obj], list[Any]]


def _layouts() -> dict[str, Layout]:
    found = {}
    for listed in (tables_workloads.LAYOUTS, tables_cluster.LAYOUTS):
        for kind, (columns, wide, cells) in listed.items():
            found[kind] = Layout(tuple(columns.split("|")), tuple(wide.split("|")) if wide else (), cells)
    return found


_LAYOUTS = _layouts()
_GENERIC = Layout(("Name", "Age"), (), lambda obj: [name_of(obj), age(obj)])


def table(resource: Resource, objects: list[Obj], version: str, include: str) -> Obj:
    """A meta.k8s.io/v1 Table of these objects. include: None, Metadata or Object, what each row carries besides."""
    layout = _custom(resource) if resource.columns else _LAYOUTS.get("" if resource.custom else resource.kind, _GENERIC)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(name, 0) for name in layout.columns]
        + [_definition(name, 1) for name in layout.wide],
        "rows": [{"cells": layout.cells(obj), "object": _carried(obj, include)} for obj in objects],
    }


def _definition(name: str, priority: int) -> Obj:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": form, "description": name, "priority": priority}


def _carried(obj: Obj, include: str) -> Obj | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _custom(resource: Resource) -> Layout:
    """Name, then the definition's additionalPrinterColumns. Only plain dotted JSON paths are followed."""
    shown = [column for column in resource.columns if not column.get("priority")]
    wide = [column for column in resource.columns if column.get("priority")]

    def cells(obj: Obj) -> list[Any]:
        values = [_custom_cell(obj, column) for column in (*shown, *wide)]
        return [name_of(obj), *values]

    return Layout(("Name", *(one["name"] for one in shown)), tuple(one["name"] for one in wide), cells)


def _custom_cell(obj: Obj, column: Obj) -> Any:
    path = column["jsonPath"].lstrip(".")
    if column.get("type") == "date":
        return age(obj, path)
    value = dig(obj, path)
    return value if isinstance(value, str | int | float | bool) else None
