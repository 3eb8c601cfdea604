"""The kubeconfig phase: admin, super-admin, kubelet, controller-manager and scheduler, each with a certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rehearsal.kubernetes.node import kubeconfig, x509
from rehearsal.kubernetes.node.paths import KUBERNETES, real

from . import duration
from .certs import ADMINS, MASTERS
from .config import InitSettings
from .output import phase


@dataclass(frozen=True)
class Account:
    """A file of /etc/kubernetes and who logs in with it."""

    file: str
    user: str
    groups: tuple[str, ...] = ()
    local: bool = False


def accounts(node: str) -> tuple[Account, ...]:
    """kubeadm's five; the controller manager and the scheduler talk to the API of their own machine."""
    return (
        Account("admin.conf", "kubernetes-admin", (ADMINS,)),
        Account("super-admin.conf", "kubernetes-super-admin", (MASTERS,)),
        Account("kubelet.conf", f"system:node:{node}", ("system:nodes",)),
        Account("controller-manager.conf", "system:kube-controller-manager", local=True),
        Account("scheduler.conf", "system:kube-scheduler", local=True),
    )


def make(settings: InitSettings) -> None:
    """Write those that are missing."""
    phase("kubeconfig", f'Using kubeconfig folder "{KUBERNETES}"')
    folder = settings.cluster["certificatesDir"]
    ca = x509.load(real(f"{folder}/ca.crt"), real(f"{folder}/ca.key"))
    validity = timedelta(seconds=duration.seconds(settings.cluster["certificateValidityPeriod"]))
    for account in accounts(settings.node_name):
        path = f"{KUBERNETES}/{account.file}"
        if real(path).exists():
            phase("kubeconfig", f'Using existing kubeconfig file: "{path}"')
            continue
        phase("kubeconfig", f'Writing "{account.file}" kubeconfig file')
        subject = x509.name(account.user, account.groups)
        pair = x509.issue(ca, subject, validity, client=True, algorithm=settings.cluster["encryptionAlgorithm"])
        user = kubeconfig.User(account.user, pair.certificate_pem, pair.key_pem)
        server = settings.local_endpoint if account.local else settings.endpoint
        name = settings.cluster["clusterName"]
        kubeconfig.save(path, kubeconfig.document(server, ca.certificate_pem, user, name))
