"""What kubeadm checks of a configuration beyond its fields; the messages are its own, in its path notation."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

from rehearsal.kubernetes.node.paths import kubernetes_version

from .schema import ConfigError

Object = dict[str, Any]
TOKEN = re.compile(r"^([a-z0-9]{6})\.([a-z0-9]{16})$")
DNS_LABELS = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
SUBDOMAIN_HELP = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
NODE_MASK = 24  # what kube-controller-manager gives each node of the pods' range
ALGORITHMS = ("RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256")


def invalid(path: str, value: object, why: str) -> ConfigError:
    """An error in the form of Kubernetes' field validation."""
    return ConfigError(f'{path}: Invalid value: "{value}": {why}')


def check_registration(registration: Object) -> None:
    """The node's name, socket and flags. Raises ConfigError."""
    if not DNS_LABELS.match(registration["name"]):
        raise invalid("nodeRegistration.name", registration["name"], SUBDOMAIN_HELP)
    if not registration["criSocket"].startswith("unix://"):
        raise invalid(
            "nodeRegistration.criSocket", registration["criSocket"], 'only URL schemes "unix" and "npipe" are supported'
        )
    policy = registration.get("imagePullPolicy") or PULL_POLICIES[1]
    if policy not in PULL_POLICIES:
        raise invalid("nodeRegistration.imagePullPolicy", policy, "invalid pull policy")
    check_arguments(registration.get("kubeletExtraArgs"), "nodeRegistration.kubeletExtraArgs")


def check_arguments(arguments: list[Object] | None, path: str) -> None:
    for index, argument in enumerate(arguments or []):
        if not argument.get("name"):
            raise invalid(f"{path}[{index}].name", "", "argument has no name")


def check_tokens(tokens: list[Object], written: list[Object]) -> None:
    """Each entry of bootstrapTokens, filled in, and as it was written. Raises ConfigError."""
    for index, (token, given) in enumerate(zip(tokens, written, strict=True)):
        if given.get("ttl") and given.get("expires"):
            why = "the BootstrapToken .TTL and .Expires fields are mutually exclusive"
            raise invalid(f"bootstrapTokens.{index}", "", why)
        check_token(
            token.get("token", ""), f"bootstrapTokens[{index}].token" if token.get("token") is None else "token"
        )


def check_token(token: str, path: str = "token") -> None:
    """The token's form. Raises ConfigError."""
    if not TOKEN.match(token):
        raise invalid(
            path,
            token,
            'the bootstrap token "TOKEN" was not of the form "\\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z"'.replace(
                "TOKEN", token
            ),
        )


def check_cluster(cluster: Object, init: Object) -> None:
    """Versions, networks, addresses, names. Raises ConfigError for the first thing that is wrong."""
    _check_version(cluster["kubernetesVersion"])
    _check_networks(cluster["networking"])
    _check_address(init["localAPIEndpoint"])
    _check_endpoint(cluster.get("controlPlaneEndpoint") or "")
    if cluster["encryptionAlgorithm"] not in ALGORITHMS:
        raise ConfigError(
            f'encryptionAlgorithm: Unsupported value: "{cluster["encryptionAlgorithm"]}": supported values: '
            + ", ".join(f'"{a}"' for a in ALGORITHMS)
        )
    for name in cluster["apiServer"].get("certSANs") or []:
        if not _is_address(name) and not DNS_LABELS.match(name.removeprefix("*.")):
            raise invalid("apiServer.certSANs", name, f"{SUBDOMAIN_HELP}, a wildcard or an IP address")
    for component in ("apiServer", "controllerManager", "scheduler"):
        check_arguments(cluster[component].get("extraArgs"), f"{component}.extraArgs")
    for path, folder in (
        ("certificatesDir", cluster["certificatesDir"]),
        ("etcd.local.dataDir", cluster["etcd"]["local"]["dataDir"]),
    ):
        if not str(folder).startswith("/"):
            raise invalid(path, folder, "path is not absolute")
    for gate in cluster.get("featureGates") or {}:
        raise invalid("featureGates", f"map[{gate}]", f"{gate} is not a valid feature name.")


def check_join(settings: Object) -> None:
    """Discovery: exactly one way, and a token discovery that pins the CA. Raises ConfigError."""
    discovery = settings.get("discovery") or {}
    token: Object = discovery.get("bootstrapToken") or {}
    if not token and not discovery.get("file"):
        raise ConfigError('discovery: Invalid value: "": bootstrapToken or file must be set')
    if token and discovery.get("file"):
        raise ConfigError('discovery: Invalid value: "": bootstrapToken and file cannot both be set')
    if discovery.get("file"):
        raise ConfigError("this stand-in discovers by bootstrap token only: use discovery.bootstrapToken")
    check_token(token.get("token", ""), "discovery.bootstrapToken.token")
    check_token(discovery.get("tlsBootstrapToken") or token["token"], "discovery.tlsBootstrapToken")
    hashes = token.get("caCertHashes") or []
    if not hashes and not token.get("unsafeSkipCAVerification"):
        raise invalid(
            "discovery.bootstrapToken.caCertHashes",
            "",
            "using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification "
            "as true in your "
            "kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to "
            "continue",
        )
    for entry in hashes:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", entry):
            raise invalid(
                "discovery.bootstrapToken.caCertHashes", entry, 'invalid public key hash, expected "format:hex"'
            )
    endpoint = str(token.get("apiServerEndpoint", ""))
    if endpoint.count(":") != 1:  # the lab's addresses are IPv4
        why = "too many colons" if ":" in endpoint else "missing port"
        raise invalid("discovery.bootstrapToken.apiServerEndpoint", endpoint, f"address {endpoint}: {why} in address")


def _check_version(version: str) -> None:
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", version)
    if not match:
        raise ConfigError(
            f'version "{version.removeprefix("v")}" doesn\'t match patterns for neither semantic version nor labels '
            f"(stable, latest, ...)"
        )
    own = kubernetes_version()
    oldest = int(own.split(".")[1]) - 1
    if (int(match[1]), int(match[2])) < (1, oldest):
        raise ConfigError(
            f"this version of kubeadm only supports deploying clusters with the control plane version >= "
            f"1.{oldest}.0. Current version: {version}"
        )


def _subnet(path: str, text: str) -> Any:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise invalid(path, text, f"couldn't parse subnet: {error}") from None
    if network.num_addresses < 10:
        raise invalid(path, text, f"subnet with {network.num_addresses} address(es) is too small, the minimum is 10")
    return network


def _check_networks(networking: Object) -> None:
    """Each range for itself: kubeadm does not see that they overlap."""
    service = _subnet("networking.serviceSubnet", networking["serviceSubnet"])
    if service.max_prefixlen - service.prefixlen > 20:
        why = "specified service subnet is too large; for 32-bit addresses, the mask must be >= 12"
        raise invalid("networking.serviceSubnet", service, why)
    if not DNS_LABELS.match(networking["dnsDomain"]):
        raise invalid("networking.dnsDomain", networking["dnsDomain"], SUBDOMAIN_HELP)
    if pods := networking.get("podSubnet"):
        mask = _subnet("networking.podSubnet", pods).prefixlen
        if mask > NODE_MASK:
            why = (
                f"the size of pod subnet with mask {mask} is smaller than the size of node subnet with mask {NODE_MASK}"
            )
            raise invalid("networking.podSubnet", pods, why)


def _check_endpoint(endpoint: str) -> None:
    """controlPlaneEndpoint: a name or an address, with or without a port."""
    host, _, port = endpoint.partition(":")
    if port and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise ConfigError(f"hostport {endpoint}: port {port} must be a valid number between 1 and 65535, inclusive")
    if endpoint and not DNS_LABELS.match(host):
        why = "must be a valid IP address or a valid RFC-1123 DNS subdomain"
        raise ConfigError(f"hostport {endpoint}: host '{host}' {why}")


def _check_address(endpoint: Object) -> None:
    address = str(endpoint["advertiseAddress"])
    if not _is_address(address):
        raise invalid("localAPIEndpoint.advertiseAddress", address, "ip address is not valid")
    parsed = ip_address(address)
    if parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast:
        raise ConfigError(f'cannot use "{address}" as the bind address for the API Server')
    if not 1 <= endpoint["bindPort"] <= 65535:
        raise invalid("localAPIEndpoint.bindPort", endpoint["bindPort"], "port number is not valid")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
