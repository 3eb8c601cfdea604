"""How a Windows PC with Hyper-V behaves, written once: what it does, refuses and waits for, on HostState.

The functions are at the level of cmdlets ("start this VM"). The JSON answers call them as the project's scripts call
the cmdlets; the stand-in cmdlets in PowerShell call them through server. Each raises RefusedError as Windows would.
"""
