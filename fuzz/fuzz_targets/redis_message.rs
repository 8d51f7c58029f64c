//! What other nodes say, in all formats: reading is safe, and what is written reads the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sio_redis::internals::{Format, Heard};

fuzz_target!(|data: &[u8]| {
    let Some((choice, payload)) = data.split_first() else { return };
    let format = Format::ALL[usize::from(*choice) % Format::ALL.len()];
    let Some(heard) = format.read(&Bytes::copy_from_slice(payload)) else { return };
    // What no format of ours says is heard, but not written.
    let Some(written) = format.write(&heard) else { return };
    let first = format.read(&written).expect("what is written can be read");
    assert_ne!(first, Heard::Nothing);
    // What may be left out is there from the first time on.
    let second = format.read(&format.write(&first).expect("it was written before"));
    assert_eq!(second, Some(first));
});
