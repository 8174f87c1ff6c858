//! Where the built programs are.

use std::path::PathBuf;

/// The folder that `cargo xtask test` names: the release build.
const FOLDER: &str = "CHAPPE_BIN_DIR";

/// The program `name`: from `CHAPPE_BIN_DIR`, or beside the test itself.
///
/// # Panics
///
/// When it is not built.
#[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var(FOLDER).map(PathBuf::from).unwrap_or_else(|_unset| {
        let test = std::env::current_exe().expect("the path of the running test");
        // target/debug/deps/test-hash → target/debug
        test.ancestors().nth(2).expect("a test lies two folders deep").to_path_buf()
    });
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "`{}` is not built: run `cargo build --workspace --bins`, or set {FOLDER}",
        path.display()
    );
    path
}
