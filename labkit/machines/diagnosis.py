"""How long a machine may stand at a stage, what it means when it got no further, and where to look."""

from __future__ import annotations

MEANING = {
    "powered": "it never asked for an address on MGMT: its VLAN, its switch, its boot order, or a system on its disk",
    "dhcp": "it has its address and never fetched the loader: TFTP, the firewall, or Secure Boot's template of the VM",
    "loader": "shim or GRUB came, the kernel did not: a signature that Secure Boot refused, or GRUB's own network",
    "kernel": "the kernel came, the kickstart's %pre never spoke: too little memory, no network, or a slow cable",
    "kickstart": "%pre began and chose no disk: look at the VM's screen",
    "installing": "partitioning or packages did not end: look at the VM's screen and at the packages it fetched",
    "installed": "it was installed and does not answer by SSH: it booted something else, or has no address on MGMT",
}
# Seconds without any line of a machine in any log, the packages it fetches among them. Good PCs need a tenth of them:
# the kernel's are for three machines that load the installer (1.3 GB each, told when it is whole) over 100 Mbit/s, and
# for an initrd over TFTP; the installation's for what follows the last package (initramfs, labels).
LIMIT_S = {"powered": 300.0, "dhcp": 180.0, "loader": 180.0, "kernel": 900.0, "kickstart": 120.0, "installing": 900.0}
HINT = "`inv pxe.logs --machine {machine}` shows its last steps, `inv pxe.check` tries what it fetches"


def failed(machine: str, reason: str | None) -> str:
    """One line: which machine's installer gave up, and what it told."""
    return f"{machine}: its installation failed: {reason or 'no reason told'}"


def verdict(machine: str, stage: str, seconds: float) -> str:
    """One line: which machine stood still where, for how long, and what that means."""
    return f"{machine}: no further than `{stage}` after {seconds:.0f} s: {MEANING[stage]}"


def text(machine: str, stage: str, seconds: float, last: str, picture: str) -> str:
    """Some lines: where a machine stands and since when, what was seen of it last, what that means, where to look."""
    return "\n".join(
        (
            f"{machine}: at `{stage}` for {seconds:.0f} s, longer than {LIMIT_S[stage]:.0f} s",
            f"  last seen: {last}",
            f"  likely: {MEANING[stage]}",
            f"  look at: {picture}; {HINT.format(machine=machine)}",
        )
    )
