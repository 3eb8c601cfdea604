"""Who may do what: what comes built in, and RBAC objects. What a kubelet may is in node_authorizer.py.

Stands in for plugin/pkg/auth/authorizer/rbac. Built in is what the real server's default ClusterRoles and the
objects of `kubeadm init` would give; everything else comes from Roles and bindings that are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import node_authorizer
from .errors import ApiError, forbidden
from .identity import AUTHENTICATED, UNAUTHENTICATED, User
from .objects import Obj, dig
from .store import Store

MASTERS = {"system:masters"}  # kubeadm's administrators are none: `kubeadm init` binds their group to a role
COMPONENTS = {"system:kube-controller-manager", "system:kube-scheduler"}
RBAC = "rbac.authorization.k8s.io"
READ = frozenset(("get", "list", "watch"))
CSR = ("certificates.k8s.io", "certificatesigningrequests")
OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version")
DISCOVERY_PATHS = ("/api", "/apis", "/openapi")
JOIN_CONFIG = ("kubeadm-config", "kubelet-config", "kube-proxy")


@dataclass(frozen=True)
class Attributes:
    """One request as the authorizers see it; `path` is set for requests that are not about objects.

    `fields` is the field selector of a list.
    """

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    fields: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer:
    """Says yes or no; `require` raises the real server's 403."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def require(self, asked: Attributes) -> None:
        if not self.allows(asked):
            raise refusal(asked, self._store)

    def allows(self, asked: Attributes) -> bool:
        groups = set(asked.user.groups)
        if groups & MASTERS or asked.user.name in COMPONENTS:
            return True
        if asked.path:
            return _open_path(asked, groups) or self._by_roles(asked)
        if asked.user.node and node_authorizer.refused(asked, self._store) is None:
            return True
        return _built_in(asked, groups) or self._by_roles(asked)

    def _by_roles(self, asked: Attributes) -> bool:
        return any(_rule_allows(rule, asked) for rule in self._rules(asked))

    def _rules(self, asked: Attributes) -> Iterator[Obj]:
        for binding in self._store.all((RBAC, "clusterrolebindings")):
            if _binds(binding, asked.user, ""):
                yield from self._role_rules(binding["roleRef"], "")
        if asked.namespace:
            for binding in self._store.all((RBAC, "rolebindings"), asked.namespace):
                if _binds(binding, asked.user, asked.namespace):
                    yield from self._role_rules(binding["roleRef"], asked.namespace)

    def _role_rules(self, reference: Obj, namespace: str) -> Iterable[Obj]:
        if reference["kind"] == "Role":
            role = self._store.get((RBAC, "roles"), namespace, reference["name"])
        else:
            role = self._store.get((RBAC, "clusterroles"), "", reference["name"])
        found: list[Obj] = dig(role, "rules", [])
        return found


def refusal(asked: Attributes, store: Store) -> ApiError:
    """403 in the wording of k8s.io/apiserver's forbiddenMessage."""
    who = f'User "{asked.user.name}" cannot {asked.verb}'
    if asked.path:
        return ApiError(403, "Forbidden", f'forbidden: {who} path "{asked.path}"')
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    why = f'{who} resource "{asked.full_resource}" in API group "{asked.group}" {where}'
    if asked.user.node and (reason := node_authorizer.refused(asked, store)):
        why += f": {reason}"
    return forbidden(asked.group, asked.resource, asked.name, why)


def _open_path(asked: Attributes, groups: set[str]) -> bool:
    if asked.verb not in ("get", "head"):
        return False
    if asked.path.startswith(OPEN_PATHS):
        return True
    return asked.path.startswith(DISCOVERY_PATHS) and AUTHENTICATED in groups


def _built_in(asked: Attributes, groups: set[str]) -> bool:
    """What kubeadm's own Roles and the default system: roles give, by group."""
    target = (asked.group, asked.resource)
    if asked.namespace == "kube-public" and target == ("", "configmaps") and asked.verb == "get":
        return asked.name == "cluster-info" or UNAUTHENTICATED not in groups
    if asked.resource in ("selfsubjectaccessreviews", "selfsubjectreviews") and AUTHENTICATED in groups:
        return True
    joining = "system:bootstrappers" in groups or "system:nodes" in groups
    if joining and asked.namespace == "kube-system" and target == ("", "configmaps") and asked.verb == "get":
        return asked.name in JOIN_CONFIG
    if "system:bootstrappers" not in groups or asked.subresource:
        return False
    if target == CSR:
        return asked.verb in READ | {"create"}
    return target == ("", "nodes") and asked.verb == "get"


def _binds(binding: Obj, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or []:
        match subject.get("kind"):
            case "User" if subject["name"] == user.name:
                return True
            case "Group" if subject["name"] in user.groups:
                return True
            case "ServiceAccount":
                where = subject.get("namespace") or namespace
                if user.name == f"system:serviceaccount:{where}:{subject['name']}":
                    return True
    return False


def _rule_allows(rule: Obj, asked: Attributes) -> bool:
    if not {"*", asked.verb} & set(rule.get("verbs") or []):
        return False
    if asked.path:
        return any(_path_matches(path, asked.path) for path in rule.get("nonResourceURLs") or [])
    if not {"*", asked.group} & set(rule.get("apiGroups") or []):
        return False
    wanted = {"*", asked.full_resource} | ({f"*/{asked.subresource}"} if asked.subresource else set())
    if not wanted & set(rule.get("resources") or []):
        return False
    names = rule.get("resourceNames")
    return not names or asked.name in names


def _path_matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
