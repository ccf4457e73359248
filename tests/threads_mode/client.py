#!/usr/bin/env python3
"""Loads a server with connections that are all open at once, and checks every byte that comes back.

Usage: client.py echo|socks|proxy|pages|tls HOST PORT PID CONNECTIONS [BEHIND]
BEHIND is the port on which an echo waits for what the server passes on; without it, one that is free.
Prints how many connections were served, how many mistakes were made, and the server's most kernel threads, without
colib's helpers.
"""
import asyncio
import hashlib
import os
import random
import ssl
import sys

KIND, HOST, PORT, PID, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
BEHIND = int(sys.argv[6]) if len(sys.argv) > 6 else 0
SIZE = 20_000
FIRST = bytes((i * 13 + i // 256) & 255 for i in range(SIZE))
looks = set()


class Gate:
    """Lets nobody through before all have come; asyncio has one since Python 3.11."""

    def __init__(self):
        self.come, self.open = 0, asyncio.Event()

    async def wait(self):
        self.come += 1
        if self.come == COUNT:
            self.open.set()
        await self.open.wait()


gate = Gate()


def threads_that_are(helpers):
    for task in os.listdir(f"/proc/{PID}/task"):
        try:
            with open(f"/proc/{PID}/task/{task}/comm") as file:
                if (file.read() == "colib-helper\n") == helpers:
                    yield task
        except OSError:
            pass


def count_threads():
    looks.add(frozenset(threads_that_are(helpers=False)))


def most_threads():
    """A helper has its name only once it has run: who has it by now was none of the server's threads before."""
    helpers = frozenset(threads_that_are(helpers=True))
    return max((len(look - helpers) for look in looks), default=0)


def page(number):
    """What the servers of this folder give, easy to make in any language."""
    return FIRST.translate(bytes((number * 7 + i) & 255 for i in range(256)))


async def fetch(reader, writer, number):
    """A page on a connection that stays."""
    writer.write(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number)
    head = await reader.readuntil(b"\r\n\r\n")
    return not head.startswith(b"HTTP/1.1 200 ") or await reader.readexactly(SIZE) != page(number)


def content(path):
    return random.Random(path).randbytes(SIZE)


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def origin(reader, writer):
    request = await reader.readuntil(b"\r\n\r\n")
    # Nobody gets an answer before all have asked.
    await gate.wait()
    count_threads()
    body = content(request.split()[1].decode().rsplit("/", 1)[-1])
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    for at in range(0, len(body), 5000):
        writer.write(body[at:at + 5000])
        await writer.drain()
        await asyncio.sleep(0.01)
    writer.close()


async def exchange(reader, writer, number):
    """Several rounds of bytes there and back."""
    mistakes = 0
    for part in range(3):
        sent = content(f"{number}/{part}")
        writer.write(sent)
        back = await reader.readexactly(len(sent))
        mistakes += hashlib.sha256(back).digest() != hashlib.sha256(sent).digest()
        await asyncio.sleep(random.random() / 20)
    return mistakes


async def one(number, behind):
    secure = ssl._create_unverified_context() if KIND == "tls" else None
    reader, writer = await asyncio.open_connection(HOST, PORT, ssl=secure)
    if KIND == "socks":
        writer.write(b"\5\1\0")
        assert await reader.readexactly(2) == b"\5\0"
        writer.write(b"\5\1\0\1" + bytes([127, 0, 0, 1]) + behind.to_bytes(2, "big"))
        assert (await reader.readexactly(10))[1] == 0
    elif KIND in ("echo", "tls"):
        writer.write(b"?")
        assert await reader.readexactly(1) == b"?"
    mistakes = await fetch(reader, writer, number) if KIND == "pages" else 0
    # Nobody goes on before the server has begun with all of them: what answers does, connections are made without it.
    if KIND != "proxy":
        await gate.wait()
        count_threads()
    if KIND == "proxy":
        writer.write(b"GET http://127.0.0.1:%d/%d HTTP/1.0\r\n\r\n" % (behind, number))
        answer = await reader.read()
        mistakes = answer.partition(b"\r\n\r\n")[2] != content(str(number))
    elif KIND == "pages":
        for part in range(1, 3):
            mistakes += await fetch(reader, writer, number + part)
            await asyncio.sleep(random.random() / 20)
    else:
        mistakes = await exchange(reader, writer, number)
    count_threads()
    writer.close()
    return mistakes


async def main():
    server = await asyncio.start_server(origin if KIND == "proxy" else echo, "127.0.0.1", BEHIND, backlog=1000)
    behind = server.sockets[0].getsockname()[1]
    done = await asyncio.gather(*(one(number, behind) for number in range(COUNT)), return_exceptions=True)
    failed = [error for error in done if isinstance(error, BaseException)]
    for error in failed[:3]:
        print("client:", repr(error), file=sys.stderr)
    mistakes = len(failed) + sum(result for result in done if not isinstance(result, BaseException))
    print(f"connections={COUNT} mistakes={mistakes} threads={most_threads()}", flush=True)
    os._exit(0)  # connections that nobody has closed yet are of no interest


asyncio.run(asyncio.wait_for(main(), 60))
