"""The NFS server's data."""
