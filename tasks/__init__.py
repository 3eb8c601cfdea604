"""The lab's tasks, for `inv`: collections only. What they do stands in labkit."""

import sys
from importlib import import_module

from invoke import Collection

from labkit.config.source import refuse_broken_files
from labkit.project import ROOT

refuse_broken_files(ROOT, sys.argv[1:])  # here, because Invoke reads the same files right after this import

ns = Collection()
# While the collections are being written at the same time: what is not there yet is left out.
for _name in ("lab", "hyperv", "pxe", "os_", "k8s", "nfs", "verify", "rehearsal"):
    try:
        ns.add_collection(import_module(f"tasks.{_name}").ns)
    except ModuleNotFoundError as error:
        print(f"not there yet: tasks.{_name} ({error.name})", file=sys.stderr)
