//! The search that is guided by coverage: `libFuzzer` with the target that `FUZZ_TARGET` names.
//!
//! It keeps what it finds, but for an input that overflows the stack: of that its handlers die as
//! well. It is in the file that `FUZZ_CURRENT` names.
#![no_main]

use std::path::Path;
use std::sync::{LazyLock, Mutex};

use fuzz::{Current, Target};
use libfuzzer_sys::fuzz_target;

static SEARCH: LazyLock<Option<(Target, Mutex<Current>)>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "libFuzzer has the command line for itself")]
    let variable = |name| std::env::var(name).ok();
    let current = Current::create(Path::new(&variable("FUZZ_CURRENT")?)).ok()?;
    Some((fuzz::target(&variable("FUZZ_TARGET")?)?, Mutex::new(current)))
});

fuzz_target!(|bytes: &[u8]| {
    let noted = SEARCH.as_ref().and_then(|(target, current)| {
        current.lock().ok()?.note(bytes).ok()?;
        Some(target)
    });
    match noted {
        Some(target) => (target.run)(bytes),
        #[expect(clippy::panic, reason = "there is no other way to end libFuzzer")]
        None => panic!("FUZZ_TARGET names no target, or FUZZ_CURRENT no file"),
    }
});
