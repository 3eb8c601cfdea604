"""A source of packages for tests, on loopback: answers every path with "a package".

`source.py PORT FOLDER` does so by HTTPS, with FOLDER/tls.pem (certificate and key).
`source.py PORT [FOLDER] to ADDRESS` sends to that address instead.
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT, *REST = sys.argv[1:]
SENDS_TO = REST[-1] if "to" in REST else ""
FOLDER = REST[0] if REST[:1] not in ([], ["to"]) else ""


class Source(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if SENDS_TO else 200)
        if SENDS_TO:
            self.send_header("Location", SENDS_TO + self.path)
        body = b"" if SENDS_TO else b"a package"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("127.0.0.1", int(PORT)), Source)
if FOLDER:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/tls.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
