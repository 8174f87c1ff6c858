"""The list that cargo-auditable puts into a program."""

import json
import shutil
import zlib

import elf_programs
import pytest
from delivery import elf, embedded
from delivery.embedded import Crate
from delivery.ends import Refused


def test_what_is_in_the_program_is_told_from_what_built_it(recorded):
    listed = embedded.read("tiny", elf_programs.auditable(recorded("tiny.embedded.json")))

    assert listed.root == Crate("tiny", "0.1.0")
    assert [crate.name for crate in sorted(listed.runtime)] == [
        "memchr", "thiserror", "tiny", "winnow",
    ]
    assert [crate.name for crate in sorted(listed.build)] == [
        "proc-macro2", "quote", "syn", "thiserror-impl", "unicode-ident", "version_check",
    ]
    assert listed.target == "x86_64-unknown-linux-gnu"


def test_the_machine_is_that_of_the_program(recorded):
    program = elf_programs.auditable(recorded("tiny.embedded.json"), machine=183)
    assert embedded.read("tiny", program).target == "aarch64-unknown-linux-gnu"


def test_a_real_program_is_read():
    program = open(shutil.which("git"), "rb").read()

    assert elf.section(program, ".no-such-section") is None
    assert elf.section(program, ".shstrtab").count(b".shstrtab") == 1


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (b"#!/bin/sh\n", "no 64-bit little-endian ELF program"),
        (b"", "no 64-bit little-endian ELF program"),
        (b"\x7fELF\x02\x01" + bytes(20), "a broken ELF program"),
        (elf_programs.with_section(".text", b""), "cargo auditable build"),
        (elf_programs.auditable({"packages": []}, machine=8), "an unknown machine: 8"),
        (elf_programs.with_section(".dep-v0", b"not packed"), "cannot be read"),
        (elf_programs.auditable("[]"), "cannot be read"),
        (elf_programs.auditable({"packages": []}), "cannot be read"),
        (elf_programs.auditable({"packages": [{"name": "a", "version": "1"}]}), "cannot be read"),
    ],
)
def test_what_has_no_list_is_refused(program, reason):
    with pytest.raises(Refused, match=reason):
        embedded.read("odd", program)


def test_a_list_that_is_cut_off_is_refused(recorded):
    whole = zlib.compress(json.dumps({"packages": []}).encode())
    with pytest.raises(Refused, match="cannot be read"):
        embedded.read("odd", elf_programs.with_section(".dep-v0", whole[:8]))


def test_a_list_without_end_is_refused():
    bomb = zlib.compress(bytes(embedded.LONGEST + 1))
    with pytest.raises(Refused, match="bytes long"):
        embedded.read("odd", elf_programs.with_section(".dep-v0", bomb))
