"""COUNT times `openssl s_server`, on consecutive ports: tls_servers.py CERT KEY HOST FIRST_PORT COUNT SECONDS.

Each serves one connection at a time. What a client sends comes out of its s_server's standard output; each line goes back reversed,
after the delay, through the s_server's standard input. Prints "ready" when all of them listen.
"""
import asyncio
import os
import signal
import sys

CERT, KEY, HOST = sys.argv[1:4]
FIRST, COUNT, DELAY = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])


async def answer(stdin, line):
    await asyncio.sleep(DELAY)
    stdin.write(line.rstrip(b"\n")[::-1] + b"\n")
    await stdin.drain()


async def serve(port):
    server = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "TERM",
        "openssl", "s_server", "-quiet", "-cert", CERT, "-key", KEY, "-accept", f"{HOST}:{port}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    answers = set()
    while line := await server.stdout.readline():
        task = asyncio.create_task(answer(server.stdin, line))
        answers.add(task)
        task.add_done_callback(answers.discard)


def listening():
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table]
    return {int(row[1].split(":")[1], 16) for row in rows[1:] if row[3] == "0A"}


async def main():
    servers = [asyncio.create_task(serve(FIRST + n)) for n in range(COUNT)]
    while not set(range(FIRST, FIRST + COUNT)) <= listening():
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.wait(servers)


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # the s_servers end with their parent
asyncio.run(main())
