"""What makes the base image present itself as Rocky Linux 9: release files, package manager, accounts, defaults.

Everything here is what a program could look at to tell the distributions apart; the programs themselves are Debian's.
"""

from __future__ import annotations

import re
from pathlib import Path

RELEASE = "9.7"

OS_RELEASE = f"""\
NAME="Rocky Linux"
VERSION="{RELEASE} (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="{RELEASE}"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux {RELEASE} (Blue Onyx), stand-in of a rehearsal"
CPE_NAME="cpe:/o:rocky:rocky:9::baseos"
ROCKY_SUPPORT_PRODUCT="Rocky-Linux-9"
"""

FILES: dict[str, str] = {
    "usr/lib/os-release": OS_RELEASE,
    "etc/rocky-release": f"Rocky Linux release {RELEASE} (Blue Onyx)\n",
    # rpm: Debian keeps a database per user; Rocky's is the system's
    "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
    "etc/dnf/dnf.conf": "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\n"
    "skip_if_unavailable=False\nmetadata_timer_sync=0\n",
    "etc/dnf/vars/releasever": "9\n",
    "etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=keyfile\n",
    "etc/hosts": "127.0.0.1   localhost localhost.localdomain\n::1         localhost localhost.localdomain\n",
    "etc/sudoers": "Defaults secure_path = /sbin:/bin:/usr/sbin:/usr/bin\nroot ALL=(ALL) ALL\n%wheel ALL=(ALL) ALL\n"
    "#includedir /etc/sudoers.d\n",
    # Rocky's search path has the administrators' folders for everybody
    "etc/environment": "PATH=/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin\n",
    "etc/machine-id": "",
    "etc/hostname": "localhost.localdomain\n",
    "etc/fstab": "",
    # the machine's own view of modules and sysctls is set up by rehearsal-machine.service
    "etc/systemd/system/systemd-sysctl.service.d/rehearsal.conf": "[Service]\nExecStart=\n"
    "ExecStart=/usr/sbin/sysctl --system --quiet\n",
}
LINKS: dict[str, str] = {
    "etc/os-release": "../usr/lib/os-release",
    "etc/redhat-release": "rocky-release",
    "etc/system-release": "rocky-release",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": "/etc/ssl/certs/ca-certificates.crt",
    "etc/systemd/system/default.target": "/usr/lib/systemd/system/multi-user.target",
    "etc/systemd/system/systemd-modules-load.service": "/dev/null",  # would act on the host's kernel
    "etc/systemd/system/console-getty.service": "/dev/null",  # nobody sits at the console
    "var/lib/dbus/machine-id": "/etc/machine-id",
}
MODES = {"etc/sudoers": 0o440}
GONE = (
    "etc/ssh/ssh_host_*", "etc/sysctl.conf", "etc/sysctl.d/*", "usr/lib/sysctl.d/*", "etc/issue*",
    "etc/resolv.conf", "usr/lib/python3/dist-packages/dnf-plugins/local.py", "etc/network", "etc/init.d",
    "etc/rc?.d", "etc/motd", "etc/lsb-release", "etc/default/nfs-*", "etc/modules-load.d/*",
)  # fmt: skip


def put_on(root: Path) -> None:
    """Write Rocky's face over a Debian tree."""
    switch = root / "etc/nsswitch.conf"
    text = re.sub(r"(?m)^hosts:.*$", "hosts:      files dns myhostname", switch.read_text(encoding="utf-8"))
    switch.write_text(text, encoding="utf-8")
    for pattern in GONE:
        for path in root.glob(pattern):
            remove(path)
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(path)
        path.write_text(text, encoding="utf-8")
        path.chmod(MODES.get(name, 0o644))
    for name, pointed in LINKS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(path)
        path.symlink_to(pointed)
    for folder in ("etc/yum.repos.d", "etc/lab/notes.d", "var/lib/rehearsal", "srv"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _accounts(root)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder of files; nothing happens when it is not there."""
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            remove(child)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _accounts(root: Path) -> None:
    """Rocky's administrators' group is wheel, with number 10 (uucp on Debian); new users get a home and bash."""
    for name in ("group", "gshadow"):
        path = root / "etc" / name
        path.write_text(re.sub(r"(?m)^uucp:", "wheel:", path.read_text(encoding="utf-8")), encoding="utf-8")
    with (root / "etc/login.defs").open("a", encoding="utf-8") as defaults:
        defaults.write("CREATE_HOME yes\n")
    useradd = root / "etc/default/useradd"
    useradd.write_text("SHELL=/bin/bash\nCREATE_MAIL_SPOOL=no\n", encoding="utf-8")
