// The enums of Windows' Hyper-V module, with its numbers: JSON carries enums as numbers in Windows PowerShell 5.1.
// Only values that a stand-in PC can have are listed.

namespace Microsoft.HyperV.PowerShell
{
    public enum VMState
    {
        Other = 1, Running = 2, Off = 3, Stopping = 4, Saved = 6, Paused = 9, Starting = 10, Reset = 11,
        Saving = 32773, Pausing = 32776, Resuming = 32777, FastSaved = 32779, FastSaving = 32780
    }

    public enum VMOperationalStatus { Ok = 2, Degraded = 3, InService = 11, MergingDisks = 32772 }

    public enum VMHeartbeatStatus
    {
        Unknown = 0, Disabled = 1, NoContact = 2, Error = 3, LostCommunication = 4,
        OkApplicationsUnknown = 5, OkApplicationsHealthy = 6, OkApplicationsCritical = 7, Paused = 8
    }

    public enum StartAction { Nothing = 2, StartIfRunning = 3, Start = 4 }

    public enum StopAction { TurnOff = 2, Save = 3, ShutDown = 4 }

    public enum CheckpointType { Disabled = 2, Production = 3, ProductionOnly = 4, Standard = 5 }

    public enum SnapshotType
    {
        Standard = 0, Recovery = 1, Planned = 2, Missing = 3, Replica = 4, AppConsistentReplica = 5, SyncedReplica = 6
    }

    public enum OnOffState { On = 0, Off = 1 }

    public enum VMSwitchType { Private = 0, Internal = 1, External = 2 }

    public enum VMNetworkAdapterVlanMode { Untagged = 0, Access = 1, Trunk = 2, Private = 3 }

    public enum BootDevice { Floppy = 0, CD = 1, IDE = 2, LegacyNetworkAdapter = 3, NetworkAdapter = 4, VHD = 5 }

    public enum BootSourceType { Unknown = 0, Drive = 1, Network = 2, File = 3 }

    public enum ControllerType { IDE = 0, SCSI = 1 }

    public enum IPProtocolPreference { IPv4 = 0, IPv6 = 1 }

    public enum VMIntegrationComponentOperationalStatus
    {
        Ok = 2, Error = 6, NoContact = 12, LostCommunication = 13, Disabled = 32896
    }
}

namespace Microsoft.Vhd.PowerShell
{
    public enum VhdType { Unknown = 0, Fixed = 2, Dynamic = 3, Differencing = 4 }

    public enum VhdFormat { Unknown = 0, VHD = 2, VHDX = 3, VHDSet = 4 }
}

namespace System.ServiceProcess
{
    public enum ServiceControllerStatus
    {
        Stopped = 1, StartPending = 2, StopPending = 3, Running = 4, ContinuePending = 5, PausePending = 6, Paused = 7
    }
}

namespace Microsoft.Dism.Commands
{
    public enum FeatureState
    {
        DisablePending = 1, Disabled = 2, DisabledWithPayloadRemoved = 3, Enabled = 4, EnablePending = 5
    }
}
