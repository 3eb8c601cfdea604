"""The stand-in kubeadm: the real command line, configuration kinds, checks, files and messages; no upgrade."""
