# The cmdlets of a Windows PC that the lab's scripts use, acting on a state file: for rehearsals and tests only.
@{
    ModuleVersion     = '1.0'
    GUID              = '5b4d8a3e-7d0f-4f0e-9a55-0b6f3f6f7e57'
    RootModule        = 'WindowsStandIn.dll'
    NestedModules     = @(
        'DnsClient.psm1', 'LocalAccounts.psm1', 'Management.psm1', 'NetAdapter.psm1', 'NetConnection.psm1'
        'NetNat.psm1', 'NetSecurity.psm1', 'NetTCPIP.psm1', 'ScheduledTasks.psm1'
    )
    PowerShellVersion = '7.4'
    CmdletsToExport   = '*'
    FunctionsToExport = '*'
}
