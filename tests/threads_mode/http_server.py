"""A thread for each connection, by python's own http.server: gives the page of each number. Ends on SIGTERM."""
import http.server
import signal
import sys

FIRST = bytes((i * 13 + i // 256) & 255 for i in range(20_000))


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = int(self.path.rsplit("/", 1)[-1])
        page = FIRST.translate(bytes((number * 7 + i) & 255 for i in range(256)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
with Server(("127.0.0.1", int(sys.argv[1])), Pages) as server:
    server.serve_forever()
