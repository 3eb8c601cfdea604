"""The API: every request is authorized, sent to what it is about, and answered.

Stands in for the handler chain of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import discovery, subresources
from .authorization import Attributes, Authorizer
from .deletion import delete
from .errors import bad_request, no_such_path, not_served
from .exchange import Answer, Request
from .node_authorizer import admit
from .objects import Obj
from .operations import Operations, Options, Target
from .patches import patch
from .podlog import KubeletCredential, read_log
from .routing import attributes, is_resource_path, target, verb
from .service_tokens import ServiceTokens
from .tables import is_wanted, table
from .watching import as_version, list_objects, watch

HEALTH = ("/healthz", "/livez", "/readyz")


@dataclass(frozen=True)
class Api:
    """All that answers requests. `ready` names what is not ready yet ("" when everything is)."""

    operations: Operations
    authorizer: Authorizer
    tokens: ServiceTokens | None
    kubelet: KubeletCredential | None
    version: Obj
    ready: Callable[[], str]

    def answer(self, request: Request) -> Answer:
        """The answer to one request; raises ApiError for what is refused."""
        if "impersonate-user" in request.headers:
            raise not_served("somebody else's view (kubectl --as)")
        if is_resource_path(request.path):
            return self._resource(request)
        asked = Attributes(request.user, request.method.lower(), path=request.path)
        self.authorizer.require(asked)
        return self._other(request)

    def _other(self, request: Request) -> Answer:
        path, registry = request.path.rstrip("/"), self.operations.registry
        parts = path.strip("/").split("/")
        if path.startswith(HEALTH):
            return self._health(path)
        match parts:
            case ["version"]:
                return Answer(body=self.version)
            case ["api" | "apis" as root]:
                return discovery.group_list(registry, root == "api", request.accept)
            case ["api", "v1"]:
                return discovery.core_list(registry)
            case ["apis", *_]:
                raise not_served(f"discovery of {path} alone, only /api, /apis and /api/v1")
            case ["openapi", "v3"]:
                return discovery.openapi_index(registry)
            case ["openapi", "v3", *place]:
                return discovery.openapi_document(registry, "/".join(place))
        raise no_such_path()

    def _health(self, path: str) -> Answer:
        missing = self.ready() if path.startswith("/readyz") else ""
        text = f"[-]{missing} failed\nreadyz check failed" if missing else "ok"
        return Answer(500 if missing else 200, text=text.encode(), content_type="text/plain; charset=utf-8")

    def _resource(self, request: Request) -> Answer:
        aim = target(self.operations.registry, request.path)
        asked = verb(request, aim)
        self.authorizer.require(attributes(request, aim, asked))
        options = _options(request)
        if aim.subresource and aim.subresource not in ("status", "finalize", "approval"):
            return self._subresource(request, aim, options)
        answer = self._plain(request, aim, asked, options)
        answer.warnings = options.warnings
        return answer

    def _plain(self, request: Request, aim: Target, asked: str, options: Options) -> Answer:
        match asked:
            case "list":
                return Answer(body=list_objects(self.operations.store, aim, request))
            case "watch":
                return Answer(stream=watch(self.operations.store, aim, request))
            case "get":
                return self._shown(request, aim, self.operations.get(aim))
            case "create":
                return self._create(request, aim, options)
            case "update":
                aim = _approval_as_status(aim)
                return self._shown(request, aim, self.operations.update(aim, request.content(), options))
            case "patch":
                code, obj = patch(self.operations, _approval_as_status(aim), request, options)
                return self._shown(request, aim, obj, code)
            case _:
                return self._delete(request, aim, options)

    def _shown(self, request: Request, aim: Target, obj: Obj, code: int = 200) -> Answer:
        obj = as_version(aim, obj)
        if is_wanted(aim.resource, request):
            return Answer(code, table(aim.resource, [obj], obj["metadata"].get("resourceVersion", "")))
        return Answer(code, obj)

    def _create(self, request: Request, aim: Target, options: Options) -> Answer:
        return self._shown(request, aim, self.operations.create(aim, _object(request), options), 201)

    def _delete(self, request: Request, aim: Target, options: Options) -> Answer:
        store, registry = self.operations.store, self.operations.registry
        with store.lock:
            old = self.operations.get(aim)
            admit(request.user, aim.resource, "delete", old, None)
            return Answer(body=delete(store, registry, aim.resource, old, _deletion(request), options.dry_run))

    def _subresource(self, request: Request, aim: Target, options: Options) -> Answer:
        match aim.subresource, request.method:
            case "log", "GET":
                chunks = read_log(self.operations.store, self.operations.get(aim), request.query, self.kubelet)
                return Answer(stream=chunks, content_type="text/plain")
            case "binding", "POST":
                return subresources.bind(self.operations, aim, _object(request), options)
            case "eviction", "POST":
                return subresources.evict(self.operations, aim, _object(request), options)
            case "token", "POST":
                return subresources.token(self.operations, aim, _object(request), self.tokens)
            case "scale", "PATCH":
                return Answer(body=subresources.scale(self.operations, aim, request, options))
        raise not_served(f"{request.method} of {aim.subresource}")


def _approval_as_status(aim: Target) -> Target:
    return Target(aim.resource, aim.namespace, aim.name, "status") if aim.subresource == "approval" else aim


def _object(request: Request) -> Obj:
    content: Any = request.content()
    if not isinstance(content, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    return content


def _deletion(request: Request) -> Obj:
    """DeleteOptions from the body. Owners do not wait for what belongs to them, and do not leave it either."""
    body = _object(request)
    if body.get("propagationPolicy", "Background") != "Background" or "propagationPolicy" in request.query:
        raise not_served("deletion in the foreground, and without what belongs to an object")
    return body


def _options(request: Request) -> Options:
    dry = request.query.get("dryRun", "")
    body_dry = request.method == "DELETE" and _object(request).get("dryRun") == ["All"]
    if dry not in ("", "All"):
        raise bad_request(f'Invalid value: "{dry}": supported values: "All"')
    return Options(
        user=request.user,
        dry_run=dry == "All" or body_dry,
        validation=request.query.get("fieldValidation") or "Warn",
        manager=request.query.get("fieldManager", ""),
        force=request.flag("force"),
    )
