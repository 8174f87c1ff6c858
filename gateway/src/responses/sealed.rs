//! A sealed log: its records in one value, from which they read back exactly.
//!
//! ```text
//! version, one byte | of each record: its sequence, 8 bytes; its length, 4 bytes; its message
//! ```

use bus::Entry;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 8 + 4;

/// A value that is no sealed log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSealed;

/// How large these records are as one value.
pub(super) fn size(entries: &[Entry]) -> usize {
    1 + entries.iter().map(|entry| HEAD_BYTES + entry.message.len()).sum::<usize>()
}

/// Writes records as one value. A message of NATS is far shorter than a length may be.
pub(super) fn write(entries: &[Entry]) -> Bytes {
    let mut value = BytesMut::with_capacity(size(entries));
    value.put_u8(VERSION);
    for Entry { sequence, message } in entries {
        value.put_u64(*sequence);
        value.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        value.put_slice(message);
    }
    value.freeze()
}

/// Reads them back, without a copy.
pub(super) fn read(mut value: Bytes) -> Result<Vec<Entry>, NotSealed> {
    if value.try_get_u8() != Ok(VERSION) {
        return Err(NotSealed);
    }
    let mut entries = Vec::new();
    while !value.is_empty() {
        let sequence = value.try_get_u64().map_err(|_too_short| NotSealed)?;
        let length = value.try_get_u32().map_err(|_too_short| NotSealed)? as usize;
        if length > value.len() {
            return Err(NotSealed);
        }
        entries.push(Entry { sequence, message: value.split_to(length) });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_read_back_exactly(
            records in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..50)), 0..20)
        ) {
            let entries: Vec<Entry> = records
                .into_iter()
                .map(|(sequence, message)| Entry { sequence, message: message.into() })
                .collect();

            let value = write(&entries);

            prop_assert_eq!(value.len(), size(&entries));
            prop_assert_eq!(read(value), Ok(entries));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _read = read(bytes.into());
        }
    }

    #[test]
    fn what_is_cut_or_of_another_version_is_refused() {
        let whole = write(&[Entry { sequence: 7, message: "record".into() }]);
        for length in 2..whole.len() {
            assert_eq!(read(whole.slice(..length)), Err(NotSealed), "{length}");
        }
        for other in [b"".as_slice(), b"\x02", b"{}"] {
            assert_eq!(read(Bytes::from_static(other)), Err(NotSealed));
        }
    }
}
