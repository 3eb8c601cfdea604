"""The API server's certificate, as it shows it to who connects: what it names, and what it should."""

from __future__ import annotations

import ssl

from cryptography import x509

from labkit.description.lab import Lab
from labkit.errors import LabError
from labkit.session import Session

API_PORT = 6443
CONNECT_TIMEOUT_S = 10
RENEWAL = """\
kubeadm makes it with the cluster. To make it anew: `inv k8s.control-plane` brings the present names to {machine};
then there (`inv os.ssh --machine {machine}`), as root:
  mv /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /root/
  kubeadm init phase certs apiserver --config /etc/kubernetes/kubeadm-init.yaml
  kubeadm init phase upload-config kubeadm --config /etc/kubernetes/kubeadm-init.yaml
  export CONTAINER_RUNTIME_ENDPOINT=unix:///run/containerd/containerd.sock
  crictl stop $(crictl ps --quiet --name kube-apiserver)"""


def fetch(address: str) -> x509.Certificate:
    """The certificate that the API server shows; LabError when no TLS connection comes about."""
    try:
        pem = ssl.get_server_certificate((address, API_PORT), timeout=CONNECT_TIMEOUT_S)
    except OSError as error:
        raise LabError(f"{address}:{API_PORT} shows none: {error}") from error
    return x509.load_pem_x509_certificate(pem.encode("ascii"))


def unnamed(lab: Lab, certificate: x509.Certificate) -> list[str]:
    """The ways to the control plane, and the user's own names, that a certificate does not name."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    named = {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    named |= set(names.get_values_for_type(x509.DNSName))
    machine = lab.control_plane
    addresses = [str(one.address) for one in (machine.external, machine.internal, machine.mgmt)]
    return [one for one in [*addresses, *lab.kubernetes.certificate_names] if one not in named]


def renewal(lab: Lab) -> str:
    """How a living cluster gets a certificate with other names."""
    return RENEWAL.format(machine=lab.control_plane.name)


def tell_unnamed(s: Session) -> None:
    """Say which of the user's names a living cluster's certificate lacks: no stage makes it anew."""
    if not s.lab.kubernetes.certificate_names:
        return
    try:
        lacking = unnamed(s.lab, fetch(str(s.lab.control_plane.external.address)))
    except LabError as error:
        s.console.print(f"the names of the API server's certificate could not be read: {error.problem}", markup=False)
        return
    if lacking:
        said = f"the API server's certificate does not name {', '.join(lacking)}: {renewal(s.lab)}"
        s.console.print(said, markup=False, soft_wrap=True)
