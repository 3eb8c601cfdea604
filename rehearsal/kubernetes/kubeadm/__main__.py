"""`python3 -m rehearsal.kubernetes.kubeadm`: what /usr/bin/kubeadm runs."""

import sys

from .cli import main

sys.exit(main())
