//! Each service has a seed of its own, and the server knows no more than it must.

use super::*;
use tempfile::TempDir;

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn they_are_made_once_and_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credentials");

    let first = Credentials::make(&path).unwrap();
    let again = Credentials::make(&path).unwrap();

    assert_eq!(first.made(), Service::ALL);
    assert!(again.made().is_empty());
    assert_eq!(first.server_config(None), again.server_config(None));
    let seeds: Vec<_> = Service::ALL.iter().map(|one| text(&first.seed_file(*one))).collect();
    let mut different = seeds.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), seeds.len(), "each has its own");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_a_seed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credentials");
    // Left behind by a start that was killed.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("gateway.unfinished"), "x").unwrap();

    let made = Credentials::make(&path).unwrap();

    for service in Service::ALL {
        let mode = fs::metadata(made.seed_file(*service)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", service.name());
    }
    let fresh = folder.path().join("fresh");
    Credentials::make(&fresh).unwrap();
    assert_eq!(fs::metadata(fresh).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_the_server_is_told_holds_every_public_key_and_no_seed() {
    let folder = TempDir::new().unwrap();
    let made = Credentials::make(folder.path()).unwrap();

    let config = made.server_config(None);

    for service in Service::ALL {
        let key = made.key(*service).unwrap();
        assert_eq!(config.matches(key.public_key()).count(), 1, "{}", service.name());
        assert!(!config.contains(key.seed()));
        assert!(!format!("{made:?}").contains(key.seed()));
    }
    assert!(!config.contains("tls"));
}

#[test]
fn after_a_rotation_the_server_takes_both_until_the_old_one_is_removed() {
    let folder = TempDir::new().unwrap();
    let old = Credentials::make(folder.path()).unwrap();
    let public = |made: &Credentials| made.key(Service::Gateway).unwrap().public_key().to_owned();

    let place = Place::together(folder.path());
    Credentials::rotate(&place, &[Service::Gateway]).unwrap();
    let new = Credentials::make(folder.path()).unwrap();

    assert_eq!(new.made(), [Service::Gateway]);
    assert_ne!(public(&old), public(&new));
    let both = new.server_config(None);
    assert!(both.contains(&public(&old)) && both.contains(&public(&new)));

    Credentials::forget(&place, Service::Gateway).unwrap();
    assert!(!folder.path().join("gateway.previous.nk").exists());
    let alone = Credentials::make(folder.path()).unwrap().server_config(None);
    assert!(!alone.contains(&public(&old)) && alone.contains(&public(&new)));
}

#[test]
fn apart_each_has_a_folder_with_its_own_seed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let place = Place::apart(folder.path());
    let made = Credentials::make_at(&place).unwrap();
    made.write_server_config(None).unwrap();
    Credentials::rotate(&place, &[Service::Operator]).unwrap();
    Credentials::make_at(&place).unwrap();

    let files = |name: &str| {
        let entries = fs::read_dir(folder.path().join(name)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(files("server"), [SERVER_FILE]);
    assert_eq!(files("gateway"), ["gateway.nk"]);
    assert_eq!(files("llm-worker"), ["llm-worker.nk"]);
    assert_eq!(files("nats-init"), ["nats-init.nk"]);
    assert_eq!(files("operator"), ["operator.nk", "operator.previous.nk"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), Service::ALL.len() + 1);
}

#[test]
fn a_second_rotation_is_refused_while_the_seed_before_the_first_is_there() {
    let folder = TempDir::new().unwrap();
    let place = Place::together(folder.path());
    Credentials::make(folder.path()).unwrap();
    Credentials::rotate(&place, &[Service::Gateway]).unwrap();
    let config = Credentials::make(folder.path()).unwrap().server_config(None);

    let both = [Service::LlmWorker, Service::Gateway];
    let refused = Credentials::rotate(&place, &both).unwrap_err().to_string();

    assert!(refused.contains("gateway.previous.nk") && refused.contains("remove"), "{refused}");
    let now = Credentials::make(folder.path()).unwrap();
    assert!(now.made().is_empty(), "the seed of no other service was put aside either");
    assert_eq!(now.server_config(None), config);
}

#[cfg(unix)]
#[test]
fn what_a_server_reads_is_replaced_as_a_whole() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = TempDir::new().unwrap();
    let made = Credentials::make(folder.path()).unwrap();
    let path = made.write_server_config(None).unwrap();
    let inode = || fs::metadata(&path).unwrap().ino();
    let before = (inode(), fs::File::open(&path).unwrap());

    made.write_server_config(None).unwrap();

    assert_ne!(inode(), before.0, "it is another file under the same name");
    assert_eq!(text(&path), made.server_config(None));
}

#[test]
fn a_file_that_holds_no_seed_is_named_with_the_remedy_and_kept() {
    let folder = TempDir::new().unwrap();
    let made = Credentials::make(folder.path()).unwrap();
    let path = made.seed_file(Service::LlmWorker);
    fs::write(&path, "").unwrap();

    let error = Credentials::make(folder.path()).unwrap_err().to_string();

    assert!(error.contains(path.to_str().unwrap()) && error.contains("remove the file"), "{error}");
    assert_eq!(text(&path), "");
}
