"""Two Windows PCs with Hyper-V that are not there: WinRM endpoints over a persisted state."""
