"""live_capture: the frames that passed as a capture for Wireshark and tshark (pcapng).

As grader/wire/pcap.h does, it makes up packets around the bytes: from 127.0.0.1 to 127.0.0.1, port 8080, and 50001,
50002, ... for the clients, each frame a packet at its time. The bytes are those above TLS, so nobody needs a key.
"""
import re
import struct

LIMIT = 32 << 20           # bytes of all frames
MOST_CONNECTIONS = 1000
SERVER, CLIENT = 8080, 50000  # a port of HTTP, on which Wireshark looks for HTTP/2 by itself
LARGEST_SEGMENT = 32768
SYN, FIN, PUSH, ACK = 2, 1, 8, 16
PADDED = 8


def unescape(text):
    """The bytes of "data" in a trace (common/trace_json.h)."""
    return re.sub(rb"\\(x[0-9a-f]{2}|\\)", lambda found: b"\\" if found[1] == b"\\" else bytes.fromhex(found[1][1:].decode()),
                  text.encode())


def frame_octets(event):
    """The bytes of a frame. Zeros stand for those of a DATA frame that the trace does not have."""
    octets = bytes.fromhex(event["octets"])
    if event["type"] != "DATA" or len(octets) != 9:
        return octets
    length = int.from_bytes(octets[:3], "big")
    padding = bytes([max(0, event.get("padding", 1) - 1) & 255]) if octets[4] & PADDED else b""
    return octets + (padding + unescape(event.get("data", "")))[:length].ljust(length, b"\0")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data)) if len(data) % 2 == 0 else sum(struct.unpack(f">{len(data) // 2 + 1}H", data + b"\0"))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


class Capture:
    """What has passed since the wire was emptied."""

    def __init__(self):
        self.began = 0.0  # the moment of millisecond 0, in seconds since 1970
        self.frames = []  # each (connection, milliseconds, whether from the client, bytes); None for bytes: it is closed
        self.size = 0

    def add(self, connection, ms, event):
        if "note" in event:
            if event["note"].startswith("closed"):
                self.frames.append((connection, ms, True, None))
            return
        try:
            octets = frame_octets(event)
        except (KeyError, ValueError, TypeError):
            return  # not from common/trace.c
        if self.size + len(octets) <= LIMIT and connection <= MOST_CONNECTIONS:
            self.size += len(octets)
            self.frames.append((connection, ms, event["sender"] == "client", octets))

    def pcapng(self):
        """The file."""
        parts = [block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)),
                 block(1, struct.pack("<HHIHHB3xHH", 101, 0, 0, 9, 1, 9, 0, 0))]
        sent = {}  # by connection: what each side has sent, the server first

        def packet(connection, ms, by_client, flags, octets=b""):
            ports = (CLIENT + connection, SERVER)
            source, destination = ports if by_client else ports[::-1]
            numbers = sent[connection]
            addresses = bytes([127, 0, 0, 1]) * 2
            tcp = struct.pack(">HHIIBBHHH", source, destination, numbers[by_client] & 0xffffffff,
                              (numbers[not by_client] & 0xffffffff) if flags & ACK else 0, 5 << 4, flags, 65535, 0, 0)
            tcp_sum = checksum(addresses + struct.pack(">HH", 6, len(tcp) + len(octets)) + tcp + octets)
            tcp = tcp[:16] + struct.pack(">H", tcp_sum) + tcp[18:]
            header = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(octets), len(parts) & 0xffff, 0x4000, 64, 6, 0) + addresses
            header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
            whole = header + tcp + octets
            time = int(self.began * 1e9 + ms * 1e6)
            parts.append(block(6, struct.pack("<IIIII", 0, time >> 32, time & 0xffffffff, len(whole), len(whole)) + whole))
            numbers[by_client] += len(octets) + bool(flags & (SYN | FIN))

        for connection, ms, by_client, octets in self.frames:
            if connection not in sent:
                sent[connection] = [0, 0]
                packet(connection, ms, True, SYN)
                packet(connection, ms, False, SYN | ACK)
                packet(connection, ms, True, ACK)
            if octets is None:
                packet(connection, ms, True, FIN | ACK)
                packet(connection, ms, False, FIN | ACK)
                packet(connection, ms, True, ACK)
            for at in range(0, len(octets or b""), LARGEST_SEGMENT):
                packet(connection, ms, by_client, PUSH | ACK, octets[at:at + LARGEST_SEGMENT])
        return b"".join(parts)
