"""The Hyper-V hosts: reading them, and creating, starting, stopping, resetting and removing this lab's machines there."""
