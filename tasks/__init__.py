"""The lab's tasks, for `inv`: collections only. What they do stands in labkit."""

import sys

from invoke import Collection

from tasks.checkout import refuse_another_ones_labkit

refuse_another_ones_labkit()  # before the first import from labkit, which would be the other's

from labkit.config.source import refuse_broken_files  # noqa: E402
from labkit.project import ROOT  # noqa: E402

refuse_broken_files(ROOT, sys.argv[1:])  # here, because Invoke reads the same files right after this import

from tasks import hyperv, k8s, lab, nfs, os_, pxe, rehearsal, verify  # noqa: E402

ns = Collection()
for module in (lab, hyperv, pxe, os_, k8s, nfs, verify, rehearsal):
    ns.add_collection(module.ns)
