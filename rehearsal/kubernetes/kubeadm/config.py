"""Configuration files of init, join and reset: read strictly, defaults filled in, checked as kubeadm checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rehearsal.kubernetes.node.paths import real

from . import defaults
from .rules import check_cluster, check_join, check_registration, check_tokens
from .schema import ConfigError, documents
from .tokens import generate

Object = dict[str, Any]
UNMOUNT_FLAGS = ("MNT_DETACH", "MNT_EXPIRE", "MNT_FORCE", "UMOUNT_NOFOLLOW")


@dataclass
class InitSettings:
    """All that `kubeadm init` goes by."""

    init: Object
    cluster: Object
    kubelet: Object
    kube_proxy: Object

    @property
    def node_name(self) -> str:
        return str(self.init["nodeRegistration"]["name"])

    @property
    def address(self) -> str:
        return str(self.init["localAPIEndpoint"]["advertiseAddress"])

    @property
    def port(self) -> int:
        return int(self.init["localAPIEndpoint"]["bindPort"])

    @property
    def local_endpoint(self) -> str:
        return f"https://{self.address}:{self.port}"

    @property
    def endpoint(self) -> str:
        """Where everybody else reaches the API: controlPlaneEndpoint if given, else the advertised address."""
        written = self.cluster.get("controlPlaneEndpoint")
        if not written:
            return self.local_endpoint
        return f"https://{written}" if ":" in written else f"https://{written}:{self.port}"


def read(path: str) -> list[Object]:
    """The checked documents of a file. Raises ConfigError."""
    try:
        text = real(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f'unable to read config from "{path}": open {path}: no such file or directory') from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'unable to read config from "{path}": {error}') from None
    return documents(text)


def load_init(path: str) -> InitSettings:
    """The settings of `init`: a file's over kubeadm's defaults. Raises ConfigError."""
    given = {document["kind"]: document for document in read(path)}
    _refuse_unserved(given)
    unfit = given.keys() & {"JoinConfiguration", "ResetConfiguration", "UpgradeConfiguration"}
    if not given.keys() & {"InitConfiguration", "ClusterConfiguration"}:
        raise ConfigError("no InitConfiguration or ClusterConfiguration kind was found in the YAML file")
    init = defaults.merged(defaults.init(), given.get("InitConfiguration", {}))
    cluster = defaults.merged(defaults.cluster(), given.get("ClusterConfiguration", {}))
    for kind in sorted(unfit):
        raise ConfigError(
            f"ignored configuration document with GroupVersionKind kubeadm.k8s.io/v1beta4, Kind={kind}: not one of "
            f"init's"
        )
    cluster["kubernetesVersion"] = "v" + str(cluster["kubernetesVersion"]).removeprefix("v")
    _fill_registration(init["nodeRegistration"], given.get("InitConfiguration", {}), control_plane=True)
    check_registration(init["nodeRegistration"])
    written = init.get("bootstrapTokens") or [{}]
    init["bootstrapTokens"] = [_filled_token(entry) for entry in written]
    check_tokens(init["bootstrapTokens"], written)
    check_cluster(cluster, init)
    kubelet = defaults.merged(defaults.kubelet(cluster), given.get("KubeletConfiguration", {}))
    proxy = defaults.merged(defaults.kube_proxy(cluster), given.get("KubeProxyConfiguration", {}))
    return InitSettings(init, cluster, kubelet, proxy)


def load_join(path: str | None, overrides: Object) -> Object:
    """The settings of `join`: the file's, or those given on the command line. Raises ConfigError."""
    given = {document["kind"]: document for document in (read(path) if path else [])}
    if path and "JoinConfiguration" not in given:
        raise ConfigError("no JoinConfiguration found in the YAML file")
    settings = defaults.merged(defaults.merged(defaults.join(), given.get("JoinConfiguration", {})), overrides)
    if settings.get("controlPlane") is not None:
        raise ConfigError("this stand-in joins workers only: remove controlPlane from the JoinConfiguration")
    if settings.get("patches"):
        raise ConfigError("the stand-in kubeadm does not serve patches")
    _fill_registration(settings["nodeRegistration"], given.get("JoinConfiguration", {}), control_plane=False)
    check_registration(settings["nodeRegistration"])
    check_join(settings)
    return settings


def load_reset(path: str) -> Object:
    """The settings of `reset`, as they are written. Raises ConfigError."""
    given = {document["kind"]: document for document in read(path)}
    if "ResetConfiguration" not in given:
        raise ConfigError("no ResetConfiguration found in the YAML file")
    settings: Object = given["ResetConfiguration"]
    for flag in settings.get("unmountFlags") or []:
        if flag not in UNMOUNT_FLAGS:
            raise ConfigError(
                f'unmountFlags: Unsupported value: "{flag}": supported values: {", ".join(UNMOUNT_FLAGS)}'
            )
    unserved = [
        name for name in ("dryRun", "skipPhases", "cleanupTmpDir", "ignorePreflightErrors") if settings.get(name)
    ]
    if unserved:
        raise ConfigError(f"the stand-in kubeadm does not serve {', '.join(unserved)}")
    return settings


def _refuse_unserved(given: Object) -> None:
    """What a real kubeadm would act on and this one does not."""
    cluster, init = given.get("ClusterConfiguration", {}), given.get("InitConfiguration", {})
    asked = [f"{name}.disabled" for name in ("dns", "proxy") if (cluster.get(name) or {}).get("disabled")]
    asked += [name for name in ("skipPhases", "patches", "dryRun", "certificateKey") if init.get(name)]
    asked += ["ignorePreflightErrors"] if (init.get("nodeRegistration") or {}).get("ignorePreflightErrors") else []
    asked += ["etcd.external"] if (cluster.get("etcd") or {}).get("external") else []
    if asked:
        raise ConfigError(f"the stand-in kubeadm does not serve {', '.join(asked)}")


def _filled_token(given: Object) -> Object:
    """An entry of bootstrapTokens; one without a token gets a fresh one."""
    return defaults.merged(defaults.bootstrap_token(given.get("token") or generate()), given)


def _fill_registration(registration: Object, given: Object, *, control_plane: bool) -> None:
    """`taints: []` leaves a control plane untainted, silence taints it: null and absent are the same here."""
    written = (given.get("nodeRegistration") or {}).get("taints")
    if written is None:
        registration["taints"] = [dict(defaults.CONTROL_PLANE_TAINT)] if control_plane else []
    registration["name"] = str(registration["name"]).strip().lower()
    socket = registration["criSocket"]
    if socket.startswith("/"):
        registration["criSocket"] = f"unix://{socket}"
