"""The administrator's kubeconfig on the controller: `.lab/<id>/kubeconfig`, for its owner alone."""

from __future__ import annotations

import yaml

from labkit.description.lab import Lab
from labkit.errors import LabError, MissingError
from labkit.k8s import kubectl
from labkit.session import Session


def fetch(s: Session) -> bool:
    """Take it from the control plane, pointed at its EXTERNAL address; return whether the file was changed.

    MissingError when there is no cluster yet.
    """
    try:
        text = s.machines.to(s.lab.control_plane).get(kubectl.ADMIN).decode()
    except LabError as error:
        if type(error) is not LabError:
            raise  # not reachable: that says more than a missing file
        problem = f"there is no cluster to enter yet ({error.problem})"
        raise MissingError(problem, "run `inv k8s.control-plane`") from None
    return s.state.write(s.state.kubeconfig, pointed_outside(text, s.lab))


def pointed_outside(text: str, lab: Lab) -> str:
    """An admin.conf with its server replaced by the control plane's EXTERNAL address, which its certificate names."""
    config = yaml.safe_load(text)
    for cluster in config["clusters"]:
        cluster["cluster"]["server"] = f"https://{lab.control_plane.external.address}:6443"
    return yaml.safe_dump(config, sort_keys=False)
