"""Which of the base image's Debian programs stay out of sight until the RPM of Rocky's name reveals them.

The base image holds every program once; the room moves these paths below STORE, and the stand-in RPM links them back.
So a machine on which no kickstart and no role named `chrony` has no chronyd.
"""

STORE = "/usr/lib/rehearsal/hidden"

# RPM name -> the Debian files that it brings back, by absolute path.
HIDDEN: dict[str, tuple[str, ...]] = {
    "NetworkManager": ("/usr/sbin/NetworkManager", "/usr/bin/nmcli", "/usr/bin/nm-online"),
    "chrony": ("/usr/sbin/chronyd", "/usr/bin/chronyc"),
    "conntrack-tools": ("/usr/sbin/conntrack",),
    "containerd.io": (
        "/usr/bin/containerd",
        "/usr/bin/containerd-shim-runc-v2",
        "/usr/bin/ctr",
        "/usr/sbin/runc",
    ),
    "dnsmasq": ("/usr/sbin/dnsmasq",),
    "ethtool": ("/usr/sbin/ethtool",),
    "firewalld": ("/usr/sbin/firewalld", "/usr/bin/firewall-cmd", "/usr/bin/firewall-offline-cmd"),
    "iproute-tc": ("/usr/sbin/tc",),
    "jq": ("/usr/bin/jq",),
    "nfs-utils": (
        "/usr/sbin/exportfs",
        "/usr/sbin/mount.nfs",
        "/usr/sbin/mount.nfs4",
        "/usr/sbin/umount.nfs",
        "/usr/sbin/umount.nfs4",
        "/usr/sbin/nfsconf",
        "/usr/sbin/rpc.mountd",
        "/usr/sbin/rpc.nfsd",
        "/usr/sbin/showmount",
    ),
    "nginx": ("/usr/sbin/nginx",),
    "openssh-server": ("/usr/sbin/sshd",),
    "policycoreutils-python-utils": ("/usr/sbin/semanage",),
    "rsync": ("/usr/bin/rsync",),
    "socat": ("/usr/bin/socat",),
    "sudo": ("/usr/bin/sudo", "/usr/sbin/visudo"),
    "tar": ("/usr/bin/tar",),
    "xfsprogs": ("/usr/sbin/mkfs.xfs", "/usr/sbin/xfs_growfs", "/usr/sbin/xfs_admin"),
}

# Debian's unit files of those programs: never brought back, since Rocky's RPMs have their own under Rocky's names.
HIDDEN_UNITS: tuple[str, ...] = tuple(
    f"/usr/lib/systemd/system/{unit}"
    for unit in (
        "NetworkManager.service",
        "NetworkManager-dispatcher.service",
        "NetworkManager-wait-online.service",
        "chrony.service",
        "chrony-wait.service",
        "containerd.service",
        "dnsmasq.service",
        "firewalld.service",
        "nfs-blkmap.service",
        "nfs-kernel-server.service",
        "nfs-mountd.service",
        "nfs-server.service",
        "nfsdcld.service",
        "nginx.service",
        "proc-fs-nfsd.mount",
        "rpc-statd-notify.service",
        "ssh.service",
        "ssh.socket",
        "var-lib-nfs-rpc_pipefs.mount",
    )
)
