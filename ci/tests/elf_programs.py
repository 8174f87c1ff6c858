"""ELF programs that hold nothing but a section, for tests."""

import json
import struct
import zlib


def with_section(name, content, machine=62):
    """A program with one section of this name."""
    names = b"\0.shstrtab\0" + name.encode() + b"\0"
    header, entry = 64, 64
    at_content = header
    at_names = at_content + len(content)
    at_sections = at_names + len(names)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = ident + struct.pack(
        "<HHIQQQIHHHHHH", 3, machine, 1, 0, 0, at_sections, 0, header, 0, 0, entry, 3, 2
    )

    def section(name, start, length):
        return struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, start, length, 0, 0, 1, 0)

    sections = section(0, 0, 0)
    sections += section(names.index(name.encode() + b"\0"), at_content, len(content))
    sections += section(1, at_names, len(names))
    return head + content + names + sections


def auditable(document, machine=62):
    """A program as `cargo auditable build` makes it of such a list."""
    text = document if isinstance(document, str) else json.dumps(document)
    return with_section(".dep-v0", zlib.compress(text.encode()), machine)
