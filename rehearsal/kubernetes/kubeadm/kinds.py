"""The fields of every kind that kubeadm 1.36 reads: v1beta4, and the two component kinds. Data only."""

from __future__ import annotations

from typing import Any

ARGUMENT = {"name": str, "value": str}
ENVIRONMENT = {"name": str, "value": str, "valueFrom": object}
VOLUME = {"name": str, "hostPath": str, "mountPath": str, "readOnly": bool, "pathType": str}
TAINT = {"key": str, "value": str, "effect": str, "timeAdded": object}
TIMEOUTS = dict.fromkeys(
    (
        "controlPlaneComponentHealthCheck",
        "kubeletHealthCheck",
        "kubernetesAPICall",
        "etcdAPICall",
        "tlsBootstrap",
        "discovery",
        "upgradeManifests",
    ),
    "duration",
)
PATCHES = {"directory": str}
ENDPOINT = {"advertiseAddress": str, "bindPort": int}
REGISTRATION = {
    "name": str,
    "criSocket": str,
    "taints": [TAINT],
    "kubeletExtraArgs": [ARGUMENT],
    "ignorePreflightErrors": [str],
    "imagePullPolicy": str,
    "imagePullSerial": bool,
}
TOKEN = {"token": str, "description": str, "ttl": "duration", "expires": str, "usages": [str], "groups": [str]}
COMPONENT = {"extraArgs": [ARGUMENT], "extraVolumes": [VOLUME], "extraEnvs": [ENVIRONMENT]}
ETCD = {
    "local": {
        "dataDir": str,
        "extraArgs": [ARGUMENT],
        "extraEnvs": [ENVIRONMENT],
        "serverCertSANs": [str],
        "peerCertSANs": [str],
        "imageRepository": str,
        "imageTag": str,
    },
    "external": {"endpoints": [str], "caFile": str, "certFile": str, "keyFile": str, "httpEndpoints": [str]},
}

INIT = {
    "bootstrapTokens": [TOKEN],
    "dryRun": bool,
    "nodeRegistration": REGISTRATION,
    "localAPIEndpoint": ENDPOINT,
    "certificateKey": str,
    "skipPhases": [str],
    "patches": PATCHES,
    "timeouts": TIMEOUTS,
}
CLUSTER = {
    "etcd": ETCD,
    "networking": {"serviceSubnet": str, "podSubnet": str, "dnsDomain": str},
    "kubernetesVersion": str,
    "controlPlaneEndpoint": str,
    "apiServer": {**COMPONENT, "certSANs": [str]},
    "controllerManager": COMPONENT,
    "scheduler": COMPONENT,
    "dns": {"imageRepository": str, "imageTag": str, "disabled": bool},
    "proxy": {"disabled": bool},
    "certificatesDir": str,
    "imageRepository": str,
    "featureGates": {"*": bool},
    "clusterName": str,
    "encryptionAlgorithm": str,
    "certificateValidityPeriod": "duration",
    "caCertificateValidityPeriod": "duration",
}
JOIN = {
    "nodeRegistration": REGISTRATION,
    "caCertPath": str,
    "discovery": {
        "bootstrapToken": {
            "token": str,
            "apiServerEndpoint": str,
            "caCertHashes": [str],
            "unsafeSkipCAVerification": bool,
        },
        "file": {"kubeConfigPath": str},
        "tlsBootstrapToken": str,
    },
    "controlPlane": {"localAPIEndpoint": ENDPOINT, "certificateKey": str},
    "dryRun": bool,
    "skipPhases": [str],
    "patches": PATCHES,
    "timeouts": TIMEOUTS,
}
RESET = {
    "cleanupTmpDir": bool,
    "certificatesDir": str,
    "criSocket": str,
    "dryRun": bool,
    "force": bool,
    "ignorePreflightErrors": [str],
    "skipPhases": [str],
    "unmountFlags": [str],
    "timeouts": TIMEOUTS,
}
UPGRADE = {"apply": object, "diff": object, "node": object, "plan": object, "timeouts": TIMEOUTS}
LOGGING = {"flushFrequency": object, "format": str, "options": object, "verbosity": int, "vmodule": object}

_DURATIONS = """
syncFrequency fileCheckFrequency httpCheckFrequency streamingConnectionIdleTimeout nodeStatusUpdateFrequency
nodeStatusReportFrequency imageMinimumGCAge imageMaximumGCAge volumeStatsAggPeriod cpuManagerReconcilePeriod
runtimeRequestTimeout evictionPressureTransitionPeriod shutdownGracePeriod shutdownGracePeriodCriticalPods
cpuCFSQuotaPeriod
"""
_STRINGS = """
staticPodPath podLogsDir staticPodURL address tlsCertFile tlsPrivateKeyFile tlsMinVersion healthzBindAddress
clusterDomain kubeletCgroups systemCgroups cgroupRoot cgroupDriver cpuManagerPolicy memoryManagerPolicy
topologyManagerPolicy topologyManagerScope hairpinMode podCIDR resolvConf systemReservedCgroup
kubeReservedCgroup containerLogMaxSize volumePluginDir providerID containerRuntimeEndpoint imageServiceEndpoint
showHiddenMetricsForVersion imagePullCredentialsVerificationPolicy
"""
_BOOLEANS = """
enableServer rotateCertificates serverTLSBootstrap enableDebuggingHandlers enableContentionProfiling
cgroupsPerQOS cpuCFSQuota serializeImagePulls makeIPTablesUtilChains failSwapOn enableProfilingHandler
enableDebugFlagsHandler seccompDefault registerNode localStorageCapacityIsolation enableSystemLogHandler
enableSystemLogQuery protectKernelDefaults kernelMemcgNotification failCgroupV1 singleProcessOOMKill
mergeDefaultEvictionSettings
"""
_NUMBERS = """
port readOnlyPort registryPullQPS registryBurst eventRecordQPS eventBurst healthzPort oomScoreAdj
nodeLeaseDurationSeconds imageGCHighThresholdPercent imageGCLowThresholdPercent maxPods podPidsLimit
maxOpenFiles nodeStatusMaxImages kubeAPIQPS kubeAPIBurst podsPerCore evictionMaxPodGracePeriod
iptablesMasqueradeBit iptablesDropBit containerLogMaxFiles containerLogMaxWorkers maxParallelImagePulls
"""
_FREE = """
staticPodURLHeader authorization featureGates memorySwap evictionHard evictionSoft evictionSoftGracePeriod
evictionMinimumReclaim systemReserved kubeReserved cpuManagerPolicyOptions topologyManagerPolicyOptions
qosReserved configMapAndSecretChangeDetectionStrategy allowedUnsafeSysctls reservedSystemCPUs
shutdownGracePeriodByPodPriority reservedMemory memoryThrottlingFactor registerWithTaints tracing
crashLoopBackOff preloadedImagesVerificationAllowlist userNamespaces containerLogMonitorInterval
"""

KUBELET: dict[str, Any] = {
    **dict.fromkeys(_DURATIONS.split(), "duration"),
    **dict.fromkeys(_STRINGS.split(), str),
    **dict.fromkeys(_BOOLEANS.split(), bool),
    **dict.fromkeys(_NUMBERS.split(), int),
    **dict.fromkeys(_FREE.split(), object),
    "authentication": {
        "x509": {"clientCAFile": str},
        "webhook": {"enabled": bool, "cacheTTL": "duration"},
        "anonymous": {"enabled": bool},
    },
    "clusterDNS": [str],
    "enforceNodeAllocatable": [str],
    "tlsCipherSuites": [str],
    "logging": LOGGING,
}
KUBE_PROXY: dict[str, Any] = {
    **dict.fromkeys(
        [
            "featureGates",
            "clientConnection",
            "iptables",
            "ipvs",
            "nftables",
            "winkernel",
            "detectLocal",
            "conntrack",
            "oomScoreAdj",
        ],
        object,
    ),
    **dict.fromkeys(
        [
            "bindAddress",
            "healthzBindAddress",
            "metricsBindAddress",
            "clusterCIDR",
            "hostnameOverride",
            "mode",
            "portRange",
            "detectLocalMode",
        ],
        str,
    ),
    **dict.fromkeys(["bindAddressHardFail", "enableProfiling", "windowsRunAsService"], bool),
    "logging": LOGGING,
    "configSyncPeriod": "duration",
    "nodePortAddresses": [str],
    "showHiddenMetricsForVersion": str,
}

V1BETA4 = "kubeadm.k8s.io/v1beta4"
KINDS: dict[tuple[str, str], dict[str, Any]] = {
    (V1BETA4, "InitConfiguration"): INIT,
    (V1BETA4, "ClusterConfiguration"): CLUSTER,
    (V1BETA4, "JoinConfiguration"): JOIN,
    (V1BETA4, "ResetConfiguration"): RESET,
    (V1BETA4, "UpgradeConfiguration"): UPGRADE,
    ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"): KUBELET,
    ("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"): KUBE_PROXY,
}
