"""The stand-in kubelet: a Node's heartbeats over TLS, and pods that are real processes of their machine."""
