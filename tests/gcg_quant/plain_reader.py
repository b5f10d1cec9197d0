"""A reader of a bus in plain Python, written from docs/journal.md and schema.json alone: a model for other languages."""

import json
import mmap
import struct

KINDS = {"i64": "q", "u64": "Q", "i32": "i", "u32": "I", "f64": "d", "u8": "B", "enum8": "B", "f64[]": "d", "i32[]": "i", "utf8": "s"}
TABLE = list(range(256))
for _ in range(8):
    TABLE = [entry >> 1 ^ (0x82F63B78 if entry & 1 else 0) for entry in TABLE]


def crc32c(data, crc=0xFFFFFFFF):
    """Return the CRC-32C of bytes."""
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def check(whole, place):
    """Raise ValueError unless something is whole."""
    if not whole:
        raise ValueError(f"{place} is damaged")


def frames(lane_folder):
    """Yield (seq, time_ns, cause, instrument, type, source, flags, count, payload) of each frame; raise ValueError at damage."""
    expected = 0
    for path in sorted(lane_folder.glob("*.page"), key=lambda path: int(path.stem)):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as page:
            crc, _, first_seq, _, _, begin_crc = struct.unpack_from("<IIQqII", page, 56)
            check(page[:12] == b"GCGPAGE\n\1\0\0\0" and crc == crc32c(page[:56]), path)
            if first_seq == 0:
                return
            check(begin_crc == crc32c(page[64:84]) and expected in (0, first_seq), path)
            expected, offset, kind = first_seq, 128, None
            while offset + 48 <= len(page) and kind != 0:
                length, crc, *fields = struct.unpack_from("<IIQqQIHHHHI", page, offset)
                if length == 0:
                    return
                seq, time_ns, cause, instrument, kind, source, flags, _, count = fields
                payload = page[offset + 48 : offset + length]
                check(seq == expected and crc == crc32c(payload + page[offset + 8 : offset + 48]), f"{path} offset {offset}")
                if kind != 0:
                    yield seq, time_ns, cause, instrument, kind, source, flags, count, payload
                expected, offset = seq + count, offset + (length + 7) // 8 * 8


def records(bus, lane):
    """Yield (seq, time_ns, cause, flags, source, class, fields) of each record of a lane, and the msgpack of cold events."""
    schema = json.loads((bus / "schema.json").read_text())
    classes = {one["type"]: one for one in schema["records"] + schema["cold"]}
    for seq, time_ns, cause, _, kind, source, flags, count, payload in frames(bus / lane):
        size = len(payload) // count
        for at in range(count if kind in classes else 0):
            row, known = payload[at * size : (at + 1) * size], classes[kind].get("fields")
            there = [one for one in known or () if one["kind"] in KINDS and one["offset"] + one["bytes"] <= size]
            values = {one["name"]: struct.unpack_from(f"<{one['count']}{KINDS[one['kind']]}", row, one["offset"]) for one in there}
            yield seq + at, time_ns, cause, flags, source, classes[kind]["name"], values if known else row
