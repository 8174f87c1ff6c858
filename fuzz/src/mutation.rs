//! New inputs out of old ones.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngCore as _};

/// Longest input that is tried.
pub(crate) const LONGEST: usize = 64 * 1024;
/// Most changes between an input and the one that it is made of.
const MOST_CHANGES: u32 = 8;
/// What means something in at least one of the languages that are read.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"18446744073709551616",
    b"-1",
    b"\\u0000",
    b"\\ud800",
    b"\\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"data:",
    b"data: ",
    b": ",
    b"[DONE]",
    b"[[models]]",
    b"=",
    b"'",
    b"\"\"\"",
    b"#",
    b".",
    b"*",
    b">",
    b"x-",
    b"resp_",
    b"conv_",
    b"log.",
    b"\x01",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"!\n",
    b"+\n",
    b"/",
    b"@",
    b"://",
];

/// One of `pool`, changed a few times.
pub(crate) fn mutated(pool: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = pool.choose(random).cloned().unwrap_or_default();
    for _change in 0..random.random_range(1..=MOST_CHANGES) {
        change(&mut bytes, pool, random);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, pool: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=bytes.len());
    match random.random_range(0..9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = random.random(),
        2 => drop(bytes.splice(at..at, random.next_u64().to_le_bytes())),
        3 => {
            let end = random.random_range(at..=bytes.len());
            drop(bytes.drain(at..end));
        }
        4 => bytes.truncate(at),
        5 => {
            // The same part many times: lists, depth, length.
            let end = random.random_range(at..=bytes.len().min(at + 64));
            let times = random.random_range(1..=64);
            let part = bytes[at..end].repeat(times);
            drop(bytes.splice(at..at, part));
        }
        6 => {
            let other = pool.choose(random).map(Vec::as_slice).unwrap_or_default();
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len());
            drop(bytes.splice(at..at, other[from..to].iter().copied()));
        }
        _ => {
            let word = WORDS.choose(random).copied().unwrap_or_default();
            // In the place of something, or between.
            let over = if random.random() { word.len() } else { 0 };
            let end = bytes.len().min(at + over);
            drop(bytes.splice(at..end, word.iter().copied()));
        }
    }
}
