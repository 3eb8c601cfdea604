"""How admin.conf gets its rights: its group is bound to cluster-admin by super-admin.conf, once the API is there.

Stands in for EnsureAdminClusterRoleBinding of cmd/kubeadm/app/phases/kubeconfig.
"""

from __future__ import annotations

import time

from rehearsal.kubernetes.node import kubeconfig
from rehearsal.kubernetes.node.api import Api, ApiError, UnreachableError
from rehearsal.kubernetes.node.paths import KUBERNETES

from .certs import ADMINS
from .output import CommandError

RETRY_S = 0.5
GROUP = "rbac.authorization.k8s.io"
BINDINGS = f"/apis/{GROUP}/v1/clusterrolebindings"
BINDING = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": ADMINS},
    "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": ADMINS}],
}
WHERE = (
    "error execution phase wait-control-plane: cannot obtain client without bootstrap: could not bootstrap the admin "
    "user in file admin.conf"
)


def ensure(limit_s: float) -> Api:
    """The API as admin.conf, which has an administrator's rights from then on. Raises CommandError after `limit_s`."""
    admin = kubeconfig.login(f"{KUBERNETES}/admin.conf")
    deadline = time.monotonic() + limit_s
    if not _binds(admin, deadline, "unable to create ClusterRoleBinding"):
        named = f"unable to create the {ADMINS} ClusterRoleBinding by using super-admin.conf"
        if not _binds(kubeconfig.login(f"{KUBERNETES}/super-admin.conf"), deadline, named):
            raise CommandError(f"{WHERE}: {named}: it may not either")
    return admin


def _binds(api: Api, deadline: float, what: str) -> bool:
    """Whether the binding is there now, made or found; False when `api` may not make it. It is asked until then."""
    while time.monotonic() < deadline:
        try:
            api.create(BINDINGS, BINDING)
        except ApiError as error:
            if error.reason in ("AlreadyExists", "Forbidden"):
                return error.reason == "AlreadyExists"
        except UnreachableError:
            pass  # the API server is still to come
        else:
            return True
        time.sleep(RETRY_S)
    raise CommandError(f"{WHERE}: {what}: client rate limiter Wait returned an error: context deadline exceeded")
