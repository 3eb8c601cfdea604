"""Which images there are: the program that each runs, and the files that lie over the machine's in its containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PROGRAMS = "/usr/lib/rehearsal"
PYTHON = f"PYTHONPATH={PROGRAMS} exec /usr/bin/python3 -m"
MODULES = "rehearsal.kubernetes.images"

NGINX_CONF = """\
# The configuration of the nginx image: what the upstream image serves, from the machine's own nginx.
user root;
worker_processes 1;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
    types { text/html html; text/plain txt; text/css css; application/javascript js; image/png png; }
    default_type application/octet-stream;
    access_log /dev/stdout;
    client_body_temp_path /tmp/client;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen 80;
        root /usr/share/nginx/html;
        index index.html;
    }
}
"""
NGINX_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to "
    "nginx!</h1></body></html>\n"
)


@dataclass(frozen=True)
class Image:
    """`run` is a line of sh; `programs` are paths in the container that run it too; `files` are further ones there."""

    run: str
    programs: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def _api(role: str) -> Image:
    return Image(f'{PYTHON} rehearsal_api {role} "$@"', (f"/usr/local/bin/{role}",))


def _module(words: str, *programs: str) -> Image:
    return Image(f'{PYTHON} {MODULES}.{words} "$@"', programs)


# The probes of upstream's manifest run the program itself; it answers from the agent's own state.
CALICO_NODE = (
    'case "${1:-}" in -felix-live) exec curl -fsS http://127.0.0.1:9099/liveness ;;'
    " -felix-ready) exec curl -fsS http://127.0.0.1:9099/readiness ;; esac\n"
    f'{PYTHON} {MODULES}.cni_agent calico "$@"'
)
NOTHING = Image("exit 0", ("/opt/cni/bin/install", "/opt/cni/bin/calico-ipam"))
IMAGES: dict[str, Image] = {
    "kube-apiserver": _api("kube-apiserver"),
    "kube-controller-manager": _api("kube-controller-manager"),
    "kube-scheduler": _api("kube-scheduler"),
    "etcd": _api("etcd"),
    "kube-proxy": _module("kube_proxy", "/usr/local/bin/kube-proxy"),
    "coredns": _module("dns"),
    "pause": Image("exec sleep infinity"),
    "node": Image(CALICO_NODE, ("/usr/bin/calico-node",)),
    "cni": NOTHING,
    "kube-controllers": Image("trap 'exit 0' TERM; sleep infinity & wait"),
    "flannel": _module("cni_agent flannel", "/opt/bin/flanneld"),
    "flannel-cni-plugin": Image("exit 0"),
    "nfsplugin": _module("csi plugin"),
    "csi-provisioner": _module("provisioner"),
    "csi-resizer": _module("csi idle"),
    "csi-snapshotter": _module("csi idle"),
    "livenessprobe": _module("csi liveness"),
    "csi-node-driver-registrar": _module("csi registrar"),
    "controller": _module("metallb controller", "/controller"),
    "speaker": _module("metallb speaker", "/speaker"),
    "nginx": Image(
        'exec nginx -g "daemon off;"',
        (),
        {
            "/etc/nginx/nginx.conf": NGINX_CONF,
            "/usr/share/nginx/html/index.html": NGINX_PAGE,
            "/var/log/nginx/.keep": "",
        },
    ),
    "busybox": Image('[ $# -gt 0 ] || set -- sh; exec "$@"'),
}


def files() -> Iterator[tuple[str, bytes, int]]:
    """Every file of every image: its path on the machine, its content, its mode."""
    for name, image in IMAGES.items():
        folder = f"{PROGRAMS}/images/{name}"
        script = f"#!/bin/sh\n# Image {name} of the rehearsal: a stand-in.\n{image.run}\n".encode()
        yield f"{folder}/run", script, 0o755
        for path in image.programs:
            yield f"{folder}/rootfs{path}", script, 0o755
        for path, text in image.files.items():
            yield f"{folder}/rootfs{path}", text.encode(), 0o644
