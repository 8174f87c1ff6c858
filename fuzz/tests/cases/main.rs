//! Every seed and every case that was once found, through its target.

use fuzz::{TARGETS, inputs_of};

#[test]
fn what_was_found_once_is_not_found_again() {
    for target in TARGETS {
        for input in inputs_of(*target).unwrap() {
            // Says which one it is when it does not come back.
            println!("{}", input.path.display());
            (target.run)(&input.bytes);
        }
    }
}

#[test]
fn every_folder_belongs_to_a_target() {
    for kind in ["seeds", "cases"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(kind);
        let Ok(folders) = std::fs::read_dir(folder) else { continue };
        for folder in folders {
            let name = folder.unwrap().file_name().into_string().unwrap();
            assert!(fuzz::target(&name).is_some(), "`{kind}/{name}` belongs to no target");
        }
    }
}
