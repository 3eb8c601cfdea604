"""The ways to other computers: WinRM with PowerShell's contract to the hosts, SSH to the machines."""
