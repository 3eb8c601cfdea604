"""A container registry for tests: wants a token, and sends for blobs to a store that refuses who brings one.

Listens at 127.0.0.1:8097 (registry) and 8096 (store), as registry-1.docker.io and its store do.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Bearer pass":
            self.answer(401, b"", {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:8097/token"'})
        elif "/blobs/" in self.path:
            self.answer(307, b"", {"Location": f"http://127.0.0.1:8096{self.path}?signature=s"})
        else:
            self.answer(200, b"{}", {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:44"})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Store(Registry):
    def do_GET(self) -> None:
        is_right = "Authorization" not in self.headers and self.path.endswith("?signature=s")
        self.answer(
            200 if is_right else 400, b"layer" if is_right else b"", {"Content-Type": "application/octet-stream"}
        )


for port, kind in ((8096, Store), (8097, Registry)):
    Thread(target=ThreadingHTTPServer(("127.0.0.1", port), kind).serve_forever).start()
