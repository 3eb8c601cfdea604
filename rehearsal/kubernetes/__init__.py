"""Stand-ins for the Kubernetes packages: kubeadm, kubelet, the API server and what runs in pods.

What lies below runs on the machines, from /usr/lib/rehearsal, on Python's standard library, PyYAML and cryptography.
"""
