#!/usr/bin/env python3
"""Writes a log file of Windows (.evtx) with a few plain events, for the tests of its reader.

make_evtx.py FILE COUNT [--damage]: events 1 to COUNT of the provider Lab in the channel Lab/Operational. With --damage the
second record's XML is spoilt. Structure: the public description of the format in the documentation of libevtx.
"""

import struct
import sys
import zlib

CHUNK = 65536
HEADER = 512  # of a chunk, with its tables of strings and templates


class BinaryXml:
    """Binary XML without templates: each name stands where it is first used."""

    def __init__(self, start):
        self.start = start  # in the chunk
        self.bytes = bytearray(b"\x0f\x01\x01\x00")

    def name(self, text):
        self.bytes += struct.pack("<I", self.start + len(self.bytes) + 4)
        self.bytes += struct.pack("<IHH", 0, 0, len(text)) + text.encode("utf-16-le") + b"\0\0"

    def value(self, text):
        self.bytes += struct.pack("<BBH", 5, 1, len(text)) + text.encode("utf-16-le")

    def element(self, name, attributes=(), text=None, children=()):
        self.bytes += struct.pack("<BH", 0x41 if attributes else 0x01, 0xFFFF)
        size_at = len(self.bytes)
        self.bytes += bytes(4)
        self.name(name)
        if attributes:
            list_at = len(self.bytes)
            self.bytes += bytes(4)
            for number, (key, value) in enumerate(attributes):
                self.bytes.append(0x46 if number + 1 < len(attributes) else 0x06)
                self.name(key)
                self.value(value)
            struct.pack_into("<I", self.bytes, list_at, len(self.bytes) - list_at - 4)
        if text is None and not children:
            self.bytes.append(3)
        else:
            self.bytes.append(2)
            if text is not None:
                self.value(text)
            for child in children:
                self.element(*child)
            self.bytes.append(4)
        struct.pack_into("<I", self.bytes, size_at, len(self.bytes) - size_at - 4)


def event(number):
    system = [
        ("Provider", [("Name", "Lab")]),
        ("EventID", [], str(100 + number)),
        ("Version", [], "0"),
        ("Level", [], "4"),
        ("Task", [], "0"),
        ("Opcode", [], "0"),
        ("Keywords", [], "0x8000000000000000"),
        ("TimeCreated", [("SystemTime", "2024-05-01T10:%02d:00.0000000Z" % number)]),
        ("EventRecordID", [], str(number)),
        ("Channel", [], "Lab/Operational"),
        ("Computer", [], "a.lab.example"),
    ]
    data = [("Data", [("Name", "Text")], "Gr\u00fc\u00dfe %d < %d" % (number, number + 1))]
    namespace = [("xmlns", "http://schemas.microsoft.com/win/2004/08/events/event")]
    return ("Event", namespace, None, [("System", [], None, system), ("EventData", [], None, data)])


def record(number, start, damage):
    xml = BinaryXml(start + 24)
    xml.element(*event(number))
    xml.bytes.append(0)
    if damage:
        xml.bytes[4:40] = b"\xa5" * 36
    size = 24 + len(xml.bytes) + 4
    size += -size % 8
    body = struct.pack("<4sIQQ", b"**\0\0", size, number, 133590000000000000 + number) + xml.bytes
    return body.ljust(size - 4, b"\0") + struct.pack("<I", size)


def chunk(count, damage):
    records = bytearray()
    last = 0
    for number in range(1, count + 1):
        last = HEADER + len(records)
        records += record(number, last, damage and number == 2)
    header = bytearray(HEADER)
    struct.pack_into("<8sQQQQIIII", header, 0, b"ElfChnk\0", 1, count, 1, count, 128, last, HEADER + len(records),
                     zlib.crc32(records))
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120] + header[128:]))
    return (header + records).ljust(CHUNK, b"\0")


def main():
    count = int(sys.argv[2])
    header = bytearray(4096)
    struct.pack_into("<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, 0, count + 1, 128, 1, 3, 4096, 1)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    with open(sys.argv[1], "wb") as file:
        file.write(header + chunk(count, "--damage" in sys.argv))


if __name__ == "__main__":
    main()
