"""A stand-in for the Kubernetes control plane: API server, controllers, scheduler and etcd's data folder.

It is a small server that the real kubectl works against, not Kubernetes. It stores objects, checks what it can check,
signs kubelet certificates and moves objects on by controllers of its own; every pod and every heartbeat comes from
the kubelets that talk to it. It says what it is in the `Server` header of each answer and in the ConfigMap
`kube-public/stand-in`.

The package is shipped to a machine as `/usr/lib/rehearsal/rehearsal_api`: standard library, PyYAML and cryptography
only, and relative imports.
"""
