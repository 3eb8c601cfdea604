"""What it means when a machine got no further than a stage, and where to look."""

from __future__ import annotations

MEANING = {
    "powered": "it never asked for an address on MGMT: its VLAN, its switch, its boot order, or a system on its disk",
    "dhcp": "it has its address and never fetched the loader: TFTP, the firewall, or Secure Boot's template of the VM",
    "loader": "shim or GRUB came, the kernel did not: a signature that Secure Boot refused, or GRUB's own network",
    "kernel": "the kernel came, the kickstart's %pre never spoke: too little memory, or no network in the installer",
    "kickstart": "%pre began and chose no disk: look at the VM's screen",
    "installing": "partitioning or packages did not end: look at the VM's screen and at the packages it fetched",
    "installed": "it was installed and does not answer by SSH: it booted something else, or has no address on MGMT",
}
HINT = "`inv pxe.logs --machine {machine}` shows its last steps, `inv pxe.check` tries what it fetches"


def failed(machine: str, reason: str | None) -> str:
    """One line: which machine's installer gave up, and what it told."""
    return f"{machine}: its installation failed: {reason or 'no reason told'}"


def verdict(machine: str, stage: str, seconds: float) -> str:
    """One line: which machine stood still where, for how long, and what that means."""
    return f"{machine}: no further than `{stage}` after {seconds:.0f} s: {MEANING[stage]}"
