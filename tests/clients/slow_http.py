"""An HTTP server that serves any number of clients at once and answers each after a delay: slow_http.py HOST PORT SECONDS.

GET /N      after the delay, 1000 lines that each hold N
POST /      at once, the body as it came
GET /empty  at once, 204
Responses hold no date and no random value, so that two runs can be compared.
"""
import asyncio
import sys

HOST, PORT, DELAY = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
REASONS = {200: "OK", 204: "No Content", 404: "Not Found", 500: "Internal Server Error"}


async def answer(method, path, body):
    if method == "POST":
        return 200, body
    if path == "/empty":
        return 204, b""
    if path.startswith("/status/"):
        return int(path[8:]), b"as asked\n"
    if not path[1:].isdigit():
        return 404, b"no such page\n"
    await asyncio.sleep(DELAY)
    return 200, (path[1:] + "\n").encode() * 1000


async def serve(reader, writer):
    try:
        while request := await reader.readline():
            method, path, version = request.decode().split()
            if not version.startswith("HTTP/"):
                raise ValueError("what begins a TLS connection can have three words, too")
            length, keep = 0, version != "HTTP/1.0"
            while (line := (await reader.readline()).strip().lower()):
                name, _, value = line.partition(b":")
                if name == b"content-length":
                    length = int(value)
                elif name == b"connection":
                    keep = value.strip() != b"close"
                elif name == b"expect":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            status, content = await answer(method, path, await reader.readexactly(length))
            head = f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}\r\nContent-Length: {len(content)}\r\nContent-Type: text/plain\r\n"
            writer.write((head + ("" if keep else "Connection: close\r\n") + "\r\n").encode() + content)
            await writer.drain()
            if not keep:
                break
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    async with await asyncio.start_server(serve, HOST, PORT, backlog=512) as server:
        await server.serve_forever()


asyncio.run(main())
