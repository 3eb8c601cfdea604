"""PATCH in the forms that somebody sends, chosen by the content type: merge, strategic merge and apply."""

from __future__ import annotations

from collections.abc import Callable

from .applying import apply
from .errors import bad_request, not_served
from .exchange import Request
from .objects import Obj
from .operations import Operations, Options, Target, check_type
from .patching import merge_patch, strategic_merge
from .schema import type_of
from .validation import check_fields

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def patch(operations: Operations, target: Target, request: Request, options: Options) -> tuple[int, Obj]:
    """Carry out a PATCH: the HTTP code (201 when an apply created the object) and the object."""
    content = request.content()
    if request.content_type == APPLY:
        return _apply(operations, target, content, options)
    change = _change(target, request.content_type, content)
    return 200, operations.modify(target, lambda old: _checked(target, change(old), options), options)


def _change(target: Target, content_type: str, content: Obj) -> Callable[[Obj], Obj]:
    if content_type not in (MERGE, STRATEGIC):
        raise not_served(f"patches of the type {content_type}")
    if not isinstance(content, dict):
        raise bad_request("the patch must be an object")
    if content_type == MERGE:
        return lambda old: dict(merge_patch(old, content))
    return lambda old: strategic_merge(old, content, type_of(target.resource))


def _checked(target: Target, new: Obj, options: Options) -> Obj:
    check_type(target.resource, new)
    options.warnings += check_fields(target.resource, new, options.validation)
    return new


def _apply(operations: Operations, target: Target, wanted: Obj, options: Options) -> tuple[int, Obj]:
    if not options.manager:
        raise bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    check_type(target.resource, wanted)
    options.warnings += check_fields(target.resource, wanted, options.validation)
    if (wanted.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if not target.subresource and "status" in target.resource.subresources:
        wanted = {name: value for name, value in wanted.items() if name != "status"}
    kind = type_of(target.resource)
    with operations.store.lock:
        if operations.store.get(target.resource.key, target.namespace, target.name) is None:
            metadata = {"name": target.name, **wanted.get("metadata", {})}
            made = apply({}, {**wanted, "metadata": metadata}, kind, options.manager, options.force)
            return 201, operations.create(target, made, options)
        return 200, operations.modify(
            target, lambda old: apply(old, wanted, kind, options.manager, options.force), options
        )
