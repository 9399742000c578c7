# SPDX-License-Identifier: Apache-2.0
"""What a unit makes of an Android sparse image: the content, with zeros where the file says nothing."""
import hashlib
import struct


def pieces(path):
    """The content of a sparse file, or of a plain one, in pieces."""
    with open(path, "rb") as file:
        head = file.read(28)
        if len(head) < 28 or struct.unpack("<I", head[:4])[0] != 0xED26FF3A:
            file.seek(0)
            yield from iter(lambda: file.read(1 << 20), b"")
            return
        _, _, _, head_bytes, chunk_head_bytes, block, _, chunks, _ = struct.unpack("<IHHHHIIII", head)
        file.seek(head_bytes)
        for _ in range(chunks):
            kind, _, blocks, total = struct.unpack("<HHII", file.read(chunk_head_bytes)[:12])
            body = file.read(total - chunk_head_bytes)
            if kind == 0xCAC1:
                yield body
            elif kind == 0xCAC2:
                yield body * (blocks * block // 4)
            elif kind == 0xCAC3:
                yield bytes(blocks * block)


def content(path):
    """(bytes, SHA-256) of it."""
    sha, size = hashlib.sha256(), 0
    for piece in pieces(path):
        sha.update(piece)
        size += len(piece)
    return size, sha.hexdigest()
