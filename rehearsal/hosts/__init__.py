"""Two Windows PCs with Hyper-V that are not there: WinRM endpoints over a persisted state.

A request passes through endpoint (HTTP), ntlm (who asks, sealed messages), wsman (envelopes), shells and commands to
launch, which either runs the project's .ps1 by PowerShell with the stand-in cmdlets (powershell/, compiled by cmdlets)
or lets answers/ give the script's JSON answer. Both ask pc/, the one model of how Windows behaves; it acts on state,
which the room watches to run the guests.
"""
