"""The kinds of object that the API server knows: the built-in ones, and those of CustomResourceDefinitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .errors import no_such_path, not_served
from .objects import Obj, dig

StoreKey = tuple[str, str]
ALL_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
OWN_GROUPS = ("", "apps", "autoscaling", "batch", "policy")


@dataclass(frozen=True)
class Resource:
    """One kind in one version, as discovery announces it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: frozenset[str] = frozenset()
    custom: bool = False
    schema: Obj = field(default_factory=dict, compare=False, repr=False)

    @property
    def key(self) -> StoreKey:
        """Where objects are stored: all versions of a kind share one place."""
        return (self.group, self.plural)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()


class Registry:
    """All kinds served now. `add_definition` and `drop_definition` follow the stored CustomResourceDefinitions."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], Resource] = {}
        for resource in built_in():
            self._kinds[(resource.group, resource.version, resource.plural)] = resource

    def find(self, group: str, version: str, plural: str) -> Resource:
        """The resource behind a URL; 404 when nobody defined it, 501 when it is one that Kubernetes itself may have."""
        found = self._kinds.get((group, version, plural))
        if found is None:
            own = group in OWN_GROUPS or group.endswith(".k8s.io")
            raise not_served(f"{plural} of {group or 'the core group'} in {version}") if own else no_such_path()
        return found

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        return next((one for one in self.all() if one.api_version == api_version and one.kind == kind), None)

    def all(self) -> list[Resource]:
        return list(self._kinds.values())

    def add_definition(self, definition: Obj) -> None:
        """Serve every version of a CustomResourceDefinition that says `served: true`."""
        self.drop_definition(definition)
        for version in dig(definition, "spec.versions", []):
            if version.get("served"):
                resource = custom(definition, version)
                self._kinds[(resource.group, resource.version, resource.plural)] = resource

    def drop_definition(self, definition: Obj) -> None:
        group, plural = dig(definition, "spec.group"), dig(definition, "spec.names.plural")
        for place in [place for place in self._kinds if (place[0], place[2]) == (group, plural)]:
            if self._kinds[place].custom:
                del self._kinds[place]


def custom(definition: Obj, version: Obj) -> Resource:
    """The resource that one version of a CustomResourceDefinition describes."""
    names = definition["spec"]["names"]
    return Resource(
        group=definition["spec"]["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        namespaced=definition["spec"].get("scope") == "Namespaced",
        short=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        subresources=frozenset(version.get("subresources", {})),
        custom=True,
        schema=dig(version, "schema.openAPIV3Schema", {}),
    )


def built_in() -> list[Resource]:
    """The kinds listed in resources.yaml."""
    listed = yaml.safe_load((Path(__file__).parent / "resources.yaml").read_text(encoding="utf-8"))
    found = []
    for group_version, kinds in listed.items():
        group, _, version = group_version.rpartition("/")
        for kind, facts in kinds.items():
            found.append(
                Resource(
                    group=group,
                    version=version,
                    kind=kind,
                    plural=facts["plural"],
                    namespaced=facts.get("namespaced", True),
                    short=tuple(facts.get("short", "").split()),
                    categories=tuple(facts.get("categories", "").split()),
                    subresources=frozenset(facts.get("sub", "").split()),
                )
            )
    return found
