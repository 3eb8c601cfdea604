"""The certs phase: real X.509 under certificatesDir. What is there already is used, never overwritten."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

from rehearsal.kubernetes.node import x509
from rehearsal.kubernetes.node.paths import real, write

from . import duration
from .config import InitSettings
from .output import phase

MASTERS, ADMINS = "system:masters", "kubeadm:cluster-admins"


def make(settings: InitSettings) -> None:
    """Every authority and certificate that a control plane has, and the key pair for service accounts."""
    phase("certs", f'Using certificateDir folder "{settings.cluster["certificatesDir"]}"')
    maker = Maker(settings)
    cluster = maker.authority("ca", "kubernetes")
    maker.certificate(cluster, "apiserver", "kube-apiserver", server=True, names=serving_names(settings))
    maker.certificate(cluster, "apiserver-kubelet-client", "kube-apiserver-kubelet-client", groups=(ADMINS,))
    front = maker.authority("front-proxy-ca", "front-proxy-ca")
    maker.certificate(front, "front-proxy-client", "front-proxy-client")
    etcd = maker.authority("etcd/ca", "etcd-ca")
    local = [settings.node_name, "localhost", settings.address, "127.0.0.1", "::1"]
    for role in ("server", "peer"):
        maker.certificate(etcd, f"etcd/{role}", settings.node_name, server=True, client=True, names=local)
    maker.certificate(etcd, "etcd/healthcheck-client", "kube-etcd-healthcheck-client")
    maker.certificate(etcd, "apiserver-etcd-client", "kube-apiserver-etcd-client")
    maker.service_account_key()


def serving_names(settings: InitSettings) -> list[str]:
    """Every name and address that the API's certificate holds, as kubeadm puts them together."""
    domain = settings.cluster["networking"]["dnsDomain"]
    service = str(ip_network(settings.cluster["networking"]["serviceSubnet"], strict=False)[1])
    names = [
        settings.node_name,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{domain}",
    ]
    written = settings.cluster.get("controlPlaneEndpoint")
    extra = [written.rsplit(":", 1)[0]] if written else []
    return list(
        dict.fromkeys(
            [*names, service, settings.address, *extra, *(settings.cluster["apiServer"].get("certSANs") or [])]
        )
    )


class Maker:
    """Writes pairs under one folder with one algorithm and the validities of the configuration."""

    def __init__(self, settings: InitSettings) -> None:
        cluster = settings.cluster
        self.folder = cluster["certificatesDir"]
        self.algorithm = cluster["encryptionAlgorithm"]
        self.validity = timedelta(seconds=duration.seconds(cluster["certificateValidityPeriod"]))
        self.ca_validity = timedelta(seconds=duration.seconds(cluster["caCertificateValidityPeriod"]))

    def load(self, base: str) -> x509.Pair | None:
        certificate, key = real(f"{self.folder}/{base}.crt"), real(f"{self.folder}/{base}.key")
        return x509.load(certificate, key) if certificate.exists() and key.exists() else None

    def save(self, base: str, pair: x509.Pair) -> None:
        write(f"{self.folder}/{base}.crt", pair.certificate_pem, 0o644)
        write(f"{self.folder}/{base}.key", pair.key_pem, 0o600)

    def authority(self, base: str, common: str) -> x509.Pair:
        pair = self.load(base)
        if pair:
            phase("certs", f"Using existing {base} certificate authority")
            return pair
        phase("certs", f'Generating "{base}" certificate and key')
        pair = x509.authority(common, self.ca_validity, self.algorithm)
        self.save(base, pair)
        return pair

    def certificate(self, ca: x509.Pair, base: str, common: str, *, groups: tuple[str, ...] = (), server: bool = False,
                    client: bool = False, names: list[str] | None = None) -> None:  # fmt: skip
        if self.load(base):
            phase("certs", f"Using existing {base} certificate and key on disk")
            return
        phase("certs", f'Generating "{base}" certificate and key')
        if names:
            hosts, addresses = split(names)
            phase(
                "certs",
                f"{base} serving cert is signed for DNS names [{' '.join(hosts)}] and IPs [{' '.join(addresses)}]",
            )
        subject = x509.name(common, groups)
        client = client or not server
        pair = x509.issue(
            ca, subject, self.validity, server=server, client=client, names=names or (), algorithm=self.algorithm
        )
        self.save(base, pair)

    def service_account_key(self) -> None:
        if real(f"{self.folder}/sa.key").exists():
            phase("certs", 'Using the existing "sa" key')
            return
        phase("certs", 'Generating "sa" key and public key')
        key = x509.new_key(self.algorithm)
        write(f"{self.folder}/sa.key", x509.key_pem(key), 0o600)
        write(f"{self.folder}/sa.pub", x509.public_pem(key), 0o600)


def split(names: list[str]) -> tuple[list[str], list[str]]:
    """DNS names, addresses."""
    addresses = [name for name in names if name.replace(".", "").isdigit() or ":" in name]
    return [name for name in names if name not in addresses], addresses
