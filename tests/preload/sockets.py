"""Blocking, timed and multiplexed sockets of one process with threads. Prints what each step gave; nothing that changes from run to run."""
import asyncio
import os
import select
import selectors
import socket
import socketserver
import struct
import threading
import time


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


def threads_serve_threads():
    socketserver.ThreadingTCPServer.request_queue_size = 64
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        answers = {}

        def client(number):
            with socket.create_connection(server.server_address) as peer, peer.makefile("rwb") as stream:
                stream.write(b"client %d\n" % number)
                stream.flush()
                answers[number] = stream.readline()

        clients = [threading.Thread(target=client, args=(n,)) for n in range(30)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        server.shutdown()
        print("threads", [answers[n].decode().strip() for n in range(30)])


def seconds(call):
    start = time.monotonic()
    try:
        result = call()
    except OSError as error:
        result = type(error).__name__, error.errno
    return result, time.monotonic() - start


def timeouts():
    a, b = socket.socketpair()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100_000))
    result, took = seconds(lambda: a.recv(10))
    print("SO_RCVTIMEO", result, took >= 0.1)
    b.settimeout(0.1)
    result, took = seconds(lambda: b.recv(10))
    print("settimeout", result, took >= 0.1, b.getblocking())
    b.setblocking(False)
    print("non-blocking", seconds(lambda: b.recv(10))[0])
    b.setblocking(True)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 100_000))
    sent, took = seconds(lambda: a.sendall(bytes(10_000_000)))
    print("SO_SNDTIMEO", sent, took >= 0.1)


def flags():
    a, b = socket.socketpair()
    a.sendall(b"hello")
    print("peek", b.recv(2, socket.MSG_PEEK), b.recv(10))
    threading.Timer(0.1, a.sendall, (b"6789",)).start()
    a.sendall(b"12345")
    print("waitall", b.recv(9, socket.MSG_WAITALL))
    print("dontwait", seconds(lambda: b.recv(1, socket.MSG_DONTWAIT))[0])
    a.shutdown(socket.SHUT_WR)
    print("eof", b.recv(1))
    b.sendall(b"still")
    print("half closed", a.recv(10))
    a.close()
    print("broken", seconds(lambda: (b.send(b"x"), b.send(b"x")))[0])


def descriptors_travel():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    reading, writing = os.pipe()
    socket.send_fds(a, [b"here"], [reading])
    os.close(reading)
    data, fds, _, _ = socket.recv_fds(b, 10, 4)
    os.write(writing, b"through a passed pipe")
    print("passed", data, os.read(fds[0], 100), os.get_blocking(fds[0]))
    buffers = [bytearray(3), bytearray(10)]
    a.sendmsg([b"ab", b"cdef"])
    print("recvmsg_into", b.recvmsg_into(buffers)[0], buffers)


def datagrams():
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    a.bind(("127.0.0.1", 0))
    b.sendto(b"one", a.getsockname())
    b.connect(a.getsockname())
    b.send(b"three")
    print("udp", a.recvfrom(100)[0], a.recv(2))
    c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    c.bind(("127.0.0.1", 0))
    port = c.getsockname()
    c.close()
    b.connect(port)
    b.send(b"nobody")
    print("refused", seconds(lambda: b.recv(10))[0])


def multiplexed():
    a, b = socket.socketpair()
    threading.Timer(0.05, a.send, (b"x",)).start()
    print("select", [len(part) for part in select.select([b], [b], [b], 5)], [len(part) for part in select.select([b], [], [], 5)])
    poll = select.poll()
    poll.register(b, select.POLLIN | select.POLLOUT)
    print("poll", [event for _, event in poll.poll(1000)])
    b.recv(1)
    poll.modify(b, select.POLLIN)
    result, took = seconds(lambda: poll.poll(100))
    print("poll timed", result, took >= 0.1)
    epoll = select.epoll()
    epoll.register(b, select.EPOLLIN | select.EPOLLET | select.EPOLLRDHUP)
    threading.Timer(0.05, a.send, (b"y",)).start()
    print("epoll", [event for _, event in epoll.poll(5)], epoll.poll(0.05))
    a.close()
    print("epoll hup", [event for _, event in epoll.poll(5)])
    poll.register(b, select.POLLIN)
    number = b.detach()
    os.close(number)
    print("poll nval", [event for _, event in poll.poll(1000)], seconds(lambda: select.select([number], [], [], 1))[0])
    selector = selectors.DefaultSelector()
    reading, writing = os.pipe()
    selector.register(reading, selectors.EVENT_READ, "pipe")
    print("selector idle", selector.select(0.05))
    os.write(writing, b"z")
    print("selector", [key.data for key, _ in selector.select(5)])


def connecting():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    address = listener.getsockname()
    a = socket.socket()
    a.setblocking(False)
    print("connect_ex", a.connect_ex(address) in (0, 115), select.select([], [a], [], 5)[1] == [a], a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    listener.settimeout(5)
    print("accepted blocks", listener.accept()[0].getblocking(), a.getblocking())
    listener.settimeout(0.05)
    print("accept timed", seconds(listener.accept)[0])
    listener.close()
    print("refused", seconds(lambda: socket.create_connection(address, 5))[0])
    print("resolved", sorted({entry[4][0] for entry in socket.getaddrinfo("127.0.0.1", 80)}), socket.gethostbyname("127.0.0.9"))
    print("localhost", "127.0.0.1" in socket.gethostbyname_ex("localhost")[2])
    try:
        socket.getaddrinfo("256.256.256.256.invalid", 80, flags=socket.AI_NUMERICHOST)
    except socket.gaierror as error:
        print("unresolved", error)


def whole_file():
    a, b = socket.socketpair()
    with open("file", "w+b") as file:
        file.write(b"0123456789" * 100_000)
        file.flush()
        file.seek(0)
        sender = threading.Thread(target=lambda: (a.sendfile(file), a.shutdown(socket.SHUT_WR)))
        sender.start()
        got = 0
        while piece := b.recv(65536):
            got += len(piece)
        sender.join()
    print("sendfile", got)


def asynchronous():
    async def serve(reader, writer):
        writer.write((await reader.readline())[::-1])
        await writer.drain()
        writer.close()

    async def ask(port, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"%d\n" % number)
        answer = await reader.read()
        writer.close()
        return answer

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        answers = await asyncio.gather(*(ask(port, n) for n in range(20)), asyncio.sleep(0.05), asyncio.to_thread(time.sleep, 0.05))
        process = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        print("asyncio", answers, await process.communicate(b"through a child"), process.returncode)

    asyncio.run(main())


for step in (threads_serve_threads, timeouts, flags, descriptors_travel, datagrams, multiplexed, connecting, whole_file, asynchronous):
    step()
