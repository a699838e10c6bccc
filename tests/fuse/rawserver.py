# SPDX-License-Identifier: GPL-2.0-or-later
"""A FUSE server in a few lines, for tests that need one that does something wrong.

A Server has nodes (Node) and answers what is asked of them; what a test does otherwise is a function in `hooks', by opcode:
hook(server, request) gives the bytes of the reply, a negative errno, None (no reply), or server.answer(request).
"""
import ctypes
import errno
import os
import signal
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK, MKNOD, MKDIR, UNLINK, RMDIR, RENAME = 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12
LINK, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = (
    13, 14, 15, 16, 17, 18, 20, 25, 26, 27, 28, 29)
CREATE, INTERRUPT, BATCH_FORGET, READDIRPLUS = 35, 36, 42, 44
INVAL_INODE, INVAL_ENTRY = 2, 3
DO_READDIRPLUS = 1 << 13
DIRECT_IO = 1
AGES = 1000000
libc = ctypes.CDLL(None, use_errno=True)


class Node:
    def __init__(self, mode, data=b"", generation=0):
        self.mode, self.data, self.generation = mode, data, generation
        self.size = len(data)
        self.names = {}


class Request:
    def __init__(self, packet):
        self.opcode, self.unique, self.node, self.pid = struct.unpack_from("<4xIQQ8xI", packet)
        self.body = packet[40:]

    def name(self, skip=0):
        return self.body[skip:].split(b"\0", 1)[0].decode()


class Server:
    def __init__(self, timeout=AGES, flags=0):
        self.timeout, self.flags = timeout, flags
        self.nodes = {1: Node(stat.S_IFDIR | 0o755)}
        self.hooks = {}
        self.last = 1
        self.count = {}
        self.fd = -1

    def add(self, name, node, parent=1):
        self.last += 1
        self.nodes[self.last] = node
        self.nodes[parent].names[name] = self.last
        return self.last

    def file(self, name, data=b"data", parent=1):
        return self.add(name, Node(stat.S_IFREG | 0o644, data), parent)

    def directory(self, name, parent=1):
        return self.add(name, Node(stat.S_IFDIR | 0o755), parent)

    # --- pieces of replies

    def attr(self, number):
        node = self.nodes[number]
        return struct.pack("<6Q10I", number, node.size, 1, 7, 7, 7, 0, 0, 0, node.mode, 1, os.getuid(), os.getgid(), 0, 4096, 0)

    def entry(self, number):
        return struct.pack("<4Q2I", number, self.nodes[number].generation, self.timeout, self.timeout, 0, 0) + self.attr(number)

    def attr_out(self, number):
        return struct.pack("<QII", self.timeout, 0, 0) + self.attr(number)

    @staticmethod
    def dirent(name, number, offset, kind=0):
        name = name if isinstance(name, bytes) else name.encode()
        size = 24 + len(name)
        return struct.pack("<QQII", number, offset, len(name), kind) + name + bytes(-size % 8)

    # --- what a good server does

    def answer(self, request):
        node = self.nodes.get(request.node)
        code = request.opcode
        if code == LOOKUP:
            number = node.names.get(request.name()) if node else None
            return self.entry(number) if number else -errno.ENOENT
        if code in (FORGET, BATCH_FORGET, INTERRUPT):
            return None
        if node is None:
            return -errno.ENOENT
        if code in (GETATTR, SETATTR):
            if code == SETATTR and struct.unpack_from("<I", request.body)[0] & 8:
                node.size = struct.unpack_from("<16xQ", request.body)[0]
                node.data = node.data[:node.size].ljust(node.size, b"\0")
            return self.attr_out(request.node)
        if code == READLINK:
            return node.data
        if code in (OPEN, OPENDIR):
            return struct.pack("<QII", request.node, 0, 0)
        if code == READ:
            offset, size = struct.unpack_from("<8xQI", request.body)
            return node.data[offset:offset + size]
        if code == WRITE:
            offset, size = struct.unpack_from("<8xQI", request.body)
            node.data = node.data[:offset].ljust(offset, b"\0") + request.body[40:40 + size] + node.data[offset + size:]
            node.size = len(node.data)
            return struct.pack("<II", size, 0)
        if code in (READDIR, READDIRPLUS):
            offset = struct.unpack_from("<8xQ", request.body)[0]
            names = list(node.names.items())[offset:offset + 300]
            return b"".join((self.entry(number) if code == READDIRPLUS else b"") + self.dirent(name, number, offset + i + 1)
                            for i, (name, number) in enumerate(names))
        if code in (RELEASE, RELEASEDIR, FLUSH, FSYNC):
            return b""
        if code in (CREATE, MKNOD):
            name = request.name(16)
            self.file(name, b"", request.node)
            return self.entry(self.last) + (struct.pack("<QII", self.last, 0, 0) if code == CREATE else b"")
        if code == MKDIR:
            self.directory(request.name(8), request.node)
            return self.entry(self.last)
        if code in (UNLINK, RMDIR):
            return b"" if node.names.pop(request.name(), None) else -errno.ENOENT
        return -errno.ENOSYS

    # --- the wire

    def send(self, unique, error, body=b""):
        os.write(self.fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)

    def notify(self, code, body):
        self.send(0, code, body)

    def invalidate(self, number):
        self.notify(INVAL_INODE, struct.pack("<Qqq", number, 0, 0))

    def reply(self, request, answer):
        if isinstance(answer, int):
            self.send(request.unique, answer)
        elif answer is not None:
            self.send(request.unique, 0, answer)

    def one(self):
        request = Request(os.read(self.fd, 300000))
        self.count[request.opcode] = self.count.get(request.opcode, 0) + 1
        if request.opcode == INIT:
            self.reply(request, struct.pack("<IIIIHHIIHHI28x", 7, 31, 131072, self.flags, 0, 0, 65536, 1, 0, 0, 0))
        elif request.opcode in self.hooks:
            self.reply(request, self.hooks[request.opcode](self, request))
        else:
            self.reply(request, self.answer(request))

    def mount(self, target):
        """mount(2); the errno, or 0."""
        mode = stat.S_IFMT(os.stat(target).st_mode)
        options = f"fd={self.fd},rootmode={mode:o},user_id={os.getuid()},group_id={os.getgid()}"
        r = libc.mount(b"raw", target.encode(), b"fuse.raw", 0, options.encode())
        return ctypes.get_errno() if r < 0 else 0

    def serve(self):
        try:
            while True:
                self.one()
        except OSError as e:
            if e.errno not in (errno.ENODEV, errno.EPIPE, errno.ENOENT):
                print(f"the server: {e}", file=sys.stderr)

    def start(self, target):
        """A process that mounts and serves; its number.  The mount is there when this returns."""
        there, done = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.signal(signal.SIGPIPE, signal.SIG_IGN)
                os.close(there)
                self.fd = os.open("/dev/fuse", os.O_RDWR)
                error = self.mount(target)
                if error:
                    print(f"mount(2): {os.strerror(error)}", file=sys.stderr)
                else:
                    os.write(done, b"x")
                    self.serve()
                    status = 0
            finally:
                os._exit(status)
        os.close(done)
        if os.read(there, 1) != b"x":
            sys.exit("the server did not mount")
        os.close(there)
        return pid


def umount(target, flags=0):
    if libc.umount2(target.encode(), flags) < 0:
        return ctypes.get_errno()
    return 0
