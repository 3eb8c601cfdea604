"""pods/log: the API server asks the pod's kubelet and passes its answer on."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from .errors import ApiError, bad_request, not_found, not_served
from .objects import Obj, dig, name_of, namespace_of
from .store import Store

KUBELET_PORT = 10250
TIMEOUT_S = 30.0
UNDERSTOOD = {"container", "tailLines"}
CHUNK = 16 * 1024


@dataclass(frozen=True)
class KubeletCredential:
    """The client certificate that the API server shows to kubelets."""

    certificate: Path
    key: Path


def read_log(store: Store, pod: Obj, query: dict[str, str], credential: KubeletCredential | None) -> Iterator[bytes]:
    """The log of one container, as its kubelet sends it. 400 when the pod has not started, 500 without the kubelet."""
    if others := query.keys() - UNDERSTOOD:
        raise not_served(f"logs with {', '.join(sorted(others))}")
    container = _container(pod, query.get("container", ""))
    node_name = dig(pod, "spec.nodeName", "")
    if not node_name:
        raise bad_request(f"pod {name_of(pod)} does not have a host assigned")
    node = store.get(("", "nodes"), "", node_name)
    if node is None:
        raise not_found("", "nodes", node_name)
    address, port = _kubelet(node)
    passed = urlencode({"tailLines": query["tailLines"]} if "tailLines" in query else {})
    url = f"/containerLogs/{namespace_of(pod)}/{name_of(pod)}/{container}?{passed}"
    return _chunks(_ask(address, port, url, credential))


def _container(pod: Obj, wanted: str) -> str:
    names = [one["name"] for part in ("containers", "initContainers") for one in pod["spec"].get(part) or []]
    if not wanted:
        if len(pod["spec"]["containers"]) > 1:
            listed = " ".join(one["name"] for one in pod["spec"]["containers"])
            raise bad_request(f"a container name must be specified for pod {name_of(pod)}, choose one of: [{listed}]")
        wanted = names[0]
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
    return wanted


def _kubelet(node: Obj) -> tuple[str, int]:
    addresses = dig(node, "status.addresses", [])
    address = next((one["address"] for one in addresses if one["type"] == "InternalIP"), name_of(node))
    return address, int(dig(node, "status.daemonEndpoints.kubeletEndpoint.Port", KUBELET_PORT))


def _ask(address: str, port: int, url: str, credential: KubeletCredential | None) -> http.client.HTTPResponse:
    # As in a kubeadm cluster: a kubelet's serving certificate is its own, the API server does not verify it.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if credential:
        context.load_cert_chain(credential.certificate, credential.key)
    connection = http.client.HTTPSConnection(address, port, context=context, timeout=TIMEOUT_S)
    try:
        connection.request("GET", url)
        response = connection.getresponse()
    except OSError as error:
        where = f"https://{address}:{port}{url}"
        raise ApiError(500, "InternalError", f'Get "{where}": {error}') from error
    if response.status >= http.client.BAD_REQUEST:
        text = response.read().decode(errors="replace").strip()
        connection.close()
        raise ApiError(response.status, "BadRequest" if response.status == 400 else "InternalError", text)
    return response


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    with response:
        while chunk := response.read1(CHUNK):
            yield chunk
