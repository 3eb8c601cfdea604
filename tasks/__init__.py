"""The lab's tasks, for `inv`: collections only. What they do stands in labkit."""

import sys

from tasks.checkout import refuse_another_ones_labkit

refuse_another_ones_labkit()  # before the first import from labkit, which would be the other's

from labkit import codepages  # noqa: E402
from labkit.description.source import refuse_broken_files  # noqa: E402
from labkit.project import ROOT  # noqa: E402

# Here, because Invoke reads the same files right after this import.
codepages.spell_out_what_cannot_be_written()
codepages.read_descriptions_as_utf_8()
refuse_broken_files(ROOT, sys.argv[1:])

from tasks import bootstrap, hyperv, k8s, k8s_stages, lab, nfs, os_, pxe, rehearsal, verify  # noqa: E402
from tasks.gathering import gathered  # noqa: E402

ns = gathered(lab, hyperv, pxe, bootstrap, os_, k8s, k8s_stages, nfs, verify, rehearsal)
