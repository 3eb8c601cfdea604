"""The Hyper-V hosts: reading them; creating, starting, stopping, resetting and removing machines there."""
