"""Container registries for tests, on loopback: `registry.py 8097` is the registry, 8096 the store that it sends to.

What they are like goes by the repository's first part, as the public ones differ:
    library   wants a token, and sends for blobs to the store, which refuses who brings one (docker.io)
    coredns   sends twice, with a long signature, the second time to a path without a host (registry.k8s.io)
    kube-proxy  sends for blobs to the store, which gives half of one and the rest when /tmp/store/go is there
    others    answer themselves
What a file /tmp/store/FIRST-PART says is done instead: `429`, or `silent` (the connection stays open, nothing comes).
Each request is a line of /tmp/store/asked: METHOD PORT PATH.
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

FOLDER = Path("/tmp/store")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STORE = "http://127.0.0.1:8096"
LONG = "signature=" + "s" * 6000
SILENCE_S = 40.0


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        with (FOLDER / "asked").open("a") as asked:
            asked.write(f"{self.command} {self.server.server_address[1]} {self.path.partition('?')[0]}\n")
        kind = self.path.split("/")[2]
        mood = FOLDER / kind
        does = mood.read_text().strip() if mood.exists() else ""
        if does == "silent":
            time.sleep(SILENCE_S)
        elif does:
            self.answer(int(does), b"too many requests", {})
        else:
            self.serve(kind)

    do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815

    def serve(self, kind: str) -> None:
        if kind == "library" and not self.headers.get("Authorization", "").startswith(("Bearer pass", "Basic ")):
            self.answer(401, b"", {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:8097/token"'})
        elif kind == "coredns":
            self.answer(307, b"", {"Location": f"{STORE}{self.path}?{LONG}"})
        elif "/blobs/" in self.path and kind in ("library", "kube-proxy"):
            self.answer(307, b"", {"Location": f"{STORE}{self.path}?signature=s"})
        else:
            self.content()

    def content(self) -> None:
        """A manifest that says which kinds were accepted, or a blob."""
        if "/manifests/" in self.path:
            body = self.headers.get("Accept", "").encode()
            self.answer(200, body, {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:44"})
        else:
            self.answer(200, b"layer", {"Content-Type": "application/octet-stream"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Store(Registry):
    def serve(self, kind: str) -> None:
        if "Authorization" in self.headers or "signature=s" not in self.path:
            self.answer(400, b"", {})
        elif kind == "coredns" and "/second/" not in self.path:
            self.answer(302, b"", {"Location": self.path.replace("/v2/coredns/", "/v2/coredns/second/")})
        elif kind == "kube-proxy":
            self.in_two_halves()
        else:
            self.content()

    def in_two_halves(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"layer")
        while not (FOLDER / "go").exists():
            time.sleep(0.05)
        self.wfile.write(b"layer")


for port, handler in ((8096, Store), (int(sys.argv[1]), Registry)):
    ThreadingHTTPServer.daemon_threads = True
    Thread(target=ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever).start()
