"""Sections of an ELF program, by name: as much of the format as that takes."""

import struct


# The machines that we build for, as ELF numbers them.
MACHINES = {62: "x86_64", 183: "aarch64"}


class NotElf(Exception):
    """These bytes are no 64-bit little-endian ELF program."""


def target(program):
    """The Rust target that a program of Linux was built for, as far as its file tells."""
    (machine,) = struct.unpack_from("<H", program, 0x12)
    if machine not in MACHINES:
        raise NotElf(f"built for an unknown machine: {machine}")
    return f"{MACHINES[machine]}-unknown-linux-gnu"


def section(program, name):
    """The bytes of a section, or `None` if there is none of that name."""
    if program[:6] != b"\x7fELF\x02\x01":
        raise NotElf("no 64-bit little-endian ELF program")
    try:
        (offset,) = struct.unpack_from("<Q", program, 0x28)
        size, count, names = struct.unpack_from("<HHH", program, 0x3A)
        headers = [_header(program, offset + index * size) for index in range(count)]
        if not headers:
            return None
        _, start, length = headers[names]
        strings = program[start : start + length]
        for at, start, length in headers:
            if strings[at : strings.index(b"\0", at)] == name.encode():
                if start + length > len(program):
                    raise NotElf(f"its section {name} is cut off")
                return program[start : start + length]
    except (struct.error, IndexError, ValueError) as error:
        raise NotElf(f"a broken ELF program: {error}") from error
    return None


def _header(program, at):
    name, _kind, _flags, _address, start, length = struct.unpack_from("<IIQQQQ", program, at)
    return name, start, length
