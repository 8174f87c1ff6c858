//! Others, installed in their pinned versions and started as their authors recommend for
//! production, without databases or logs of requests. Their configurations are in `bench/peers/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;
use tokio::time::{Duration, Instant};

use super::fleet::Name;
use super::program::Program;
use super::scenario::Scenario;
use crate::load::Target;

/// Workers of those that have workers: one for each processor of the machine of the budgets.
const WORKERS: &str = "2";
/// The key that LiteLLM is configured with.
const LITELLM_KEY: &str = "Bearer sk-bench";
/// TensorZero takes a free port, and writes down which.
const TENSORZERO_WITHIN: Duration = Duration::from_secs(60);

/// A peer that was started; it may take a while until it answers.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) program: Program,
    pub(super) target: Target,
    /// What its names of models begin with.
    pub(super) prefix: String,
    pub(super) version: String,
}

/// Where they are described, and where they are installed.
#[derive(Debug)]
pub(super) struct Peers {
    source: PathBuf,
    installed: PathBuf,
}

/// Where a peer stands.
struct Place<'a> {
    port: u16,
    mock: &'a str,
    folder: &'a Path,
}

impl Place<'_> {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Peers {
    pub(super) fn new(source: &Path, output: &Path) -> Self {
        Self { source: source.to_path_buf(), installed: output.join("peers") }
    }

    /// Installs a peer if it is not, and starts it on `port` before the mock.
    pub(super) async fn start(
        &self,
        name: Name,
        port: u16,
        mock: &str,
        folder: &Path,
    ) -> anyhow::Result<Peer> {
        let at = Place { port, mock, folder };
        match name {
            Name::LiteLlm => self.litellm(&at).await,
            Name::Portkey => self.portkey(&at).await,
            Name::TensorZero => self.tensorzero(&at).await,
            Name::FastApi => self.fastapi(&at).await,
            _ => anyhow::bail!("{} is no peer", name.text()),
        }
    }

    async fn litellm(&self, at: &Place<'_>) -> anyhow::Result<Peer> {
        let Place { port, mock, folder } = *at;
        let programs = self.python("litellm").await?;
        let models = Scenario::models().map(|model| {
            format!(
                "  - model_name: {model}\n    litellm_params: {{model: openai/{model}, api_base: \"http://{mock}/v1\", api_key: unused}}\n"
            )
        });
        let config = folder.join("litellm.yaml");
        let settings = fs::read_to_string(self.source.join("litellm.yaml"))?;
        fs::write(&config, format!("model_list:\n{}{settings}", models.concat()))?;
        let mut command = Command::new(programs.join("litellm"));
        command
            .arg("--config")
            .arg(config)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--num_workers", WORKERS, "--telemetry", "False"])
            .env("LITELLM_MODE", "PRODUCTION")
            .env("LITELLM_LOG", "ERROR")
            // Nothing is asked of hosts outside.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("DO_NOT_TRACK", "1")
            .env("NO_PROXY", "*");
        let mut target = Target::plain(at.address());
        target.headers.push(("authorization".to_owned(), LITELLM_KEY.to_owned()));
        let version = self.python_versions("litellm", &["litellm", "uvicorn", "uvloop"])?;
        let program = started("litellm", command, folder)?;
        let version = format!("LiteLLM with {WORKERS} workers ({version})");
        Ok(Peer { program, target, prefix: String::new(), version })
    }

    async fn portkey(&self, at: &Place<'_>) -> anyhow::Result<Peer> {
        let Place { port, mock, folder } = *at;
        let installed = self.node("portkey").await?;
        let package = installed.join("node_modules/@portkey-ai/gateway");
        let mut command = Command::new("node");
        command
            .arg(package.join("build/start-server.js"))
            .args(["--headless", &format!("--port={port}")])
            .env("NODE_ENV", "production")
            .env("PORT", port.to_string())
            .env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1,localhost");
        let mut target = Target::plain(at.address());
        for (name, value) in [
            ("x-portkey-provider", "openai".to_owned()),
            ("x-portkey-custom-host", format!("http://{mock}/v1")),
            ("authorization", "Bearer unused".to_owned()),
        ] {
            target.headers.push((name.to_owned(), value));
        }
        let manifest: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(package.join("package.json"))?)?;
        let gateway = manifest["version"].as_str().unwrap_or("unknown");
        let node = said(Command::new("node").arg("--version")).await?;
        let version = format!("Portkey gateway {gateway} (Node.js {})", node.trim());
        let program = started("portkey", command, folder)?;
        Ok(Peer { program, target, prefix: String::new(), version })
    }

    async fn tensorzero(&self, at: &Place<'_>) -> anyhow::Result<Peer> {
        // It chooses its port.
        let Place { mock, folder, .. } = *at;
        let programs = self.python("tensorzero").await?;
        let models = Scenario::models().map(|model| {
            format!(
                "[models.{model}]\nrouting = [\"mock\"]\n[models.{model}.providers.mock]\ntype = \"openai\"\n\
                 api_base = \"http://{mock}/v1/\"\nmodel_name = \"{model}\"\napi_key_location = \"none\"\n"
            )
        });
        let config = folder.join("tensorzero.toml");
        let settings = fs::read_to_string(self.source.join("tensorzero.toml"))?;
        fs::write(&config, format!("{settings}\n{}", models.concat()))?;
        let url_file = folder.join("tensorzero.url");
        if url_file.exists() {
            fs::remove_file(&url_file)?;
        }
        let mut command = Command::new(programs.join("python"));
        command
            .arg(self.source.join("tensorzero_gateway.py"))
            .args([&config, &url_file])
            .env("OPENAI_API_KEY", "unused")
            .env("RUST_LOG", "error")
            .env("TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS", "1");
        let version = self.python_versions("tensorzero", &["tensorzero"])?;
        let mut program = started("tensorzero", command, folder)?;
        let address = written(&url_file, &mut program).await?;
        let path = "/openai/v1/chat/completions".to_owned();
        let target = Target { path, ..Target::plain(address) };
        let version = format!("TensorZero's gateway inside its Python package ({version})");
        Ok(Peer { program, target, prefix: "tensorzero::model_name::".to_owned(), version })
    }

    async fn fastapi(&self, at: &Place<'_>) -> anyhow::Result<Peer> {
        let Place { port, mock, folder } = *at;
        let programs = self.python("fastapi").await?;
        let mut command = Command::new(programs.join("uvicorn"));
        command
            .args(["fastapi_aiohttp:app", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg("--app-dir")
            .arg(&self.source)
            .args(["--workers", WORKERS, "--backlog", "4096"])
            .args(["--no-access-log", "--log-level", "warning"])
            .env("UPSTREAM", format!("http://{mock}"))
            // The source folder stays as it is.
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let version =
            self.python_versions("fastapi", &["fastapi", "aiohttp", "uvicorn", "uvloop"])?;
        let program = started("fastapi", command, folder)?;
        let version = format!("FastAPI and aiohttp with {WORKERS} workers ({version})");
        let target = Target::plain(at.address());
        Ok(Peer { program, target, prefix: String::new(), version })
    }

    /// An environment with the packages of `requirements-<name>.txt`; the folder of its programs.
    async fn python(&self, name: &str) -> anyhow::Result<PathBuf> {
        let requirements = self.requirements(name);
        let wanted = fs::read_to_string(&requirements)?;
        let folder = self.installed.join(name);
        if !is_made_from(&folder, &wanted) {
            remade(&folder)?;
            said(Command::new("python3").args(["-m", "venv"]).arg(&folder)).await?;
            let pip = ["-m", "pip", "install", "--quiet", "--no-input"];
            let mut install = Command::new(folder.join("bin/python"));
            install.args(pip).args(["--disable-pip-version-check", "--requirement"]);
            said(install.arg(&requirements)).await?;
            fs::write(folder.join(STAMP), wanted)?;
        }
        Ok(folder.join("bin"))
    }

    fn requirements(&self, name: &str) -> PathBuf {
        self.source.join(format!("requirements-{name}.txt"))
    }

    /// The versions of some packages, as they are pinned.
    fn python_versions(&self, name: &str, packages: &[&str]) -> anyhow::Result<String> {
        let text = fs::read_to_string(self.requirements(name))?;
        let version = |package: &&str| {
            let pinned = text.lines().find_map(|line| line.strip_prefix(&format!("{package}==")));
            format!("{package} {}", pinned.unwrap_or("unknown"))
        };
        Ok(packages.iter().map(version).collect::<Vec<_>>().join(", "))
    }

    /// A copy of the npm package in `bench/peers/<name>` with what its lock file names.
    async fn node(&self, name: &str) -> anyhow::Result<PathBuf> {
        let source = self.source.join(name);
        let wanted = fs::read_to_string(source.join("package-lock.json"))?;
        let folder = self.installed.join(name);
        if !is_made_from(&folder, &wanted) {
            remade(&folder)?;
            for file in ["package.json", "package-lock.json"] {
                fs::copy(source.join(file), folder.join(file))?;
            }
            let mut install = Command::new("npm");
            install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
            said(install.current_dir(&folder)).await?;
            fs::write(folder.join(STAMP), wanted)?;
        }
        Ok(folder)
    }
}

/// In a folder: what it was made from.
const STAMP: &str = "made-from";

fn is_made_from(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|made_from| made_from == wanted)
}

/// An empty folder, whatever half a try has left.
fn remade(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())
}

fn started(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<Program> {
    // What they write without being asked lands here.
    command.current_dir(folder).env("HOME", folder);
    Program::start(name, command, folder)
}

/// What a command says; an error if it fails.
async fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot run `{name}`"))?;
    let complained = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "`{name}` failed: {complained}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The address that a program writes down when it knows it.
async fn written(file: &Path, program: &mut Program) -> anyhow::Result<String> {
    let began = Instant::now();
    while began.elapsed() < TENSORZERO_WITHIN {
        if let Ok(url) = fs::read_to_string(file)
            && let Some(address) = address_of(&url)
        {
            return Ok(address);
        }
        program.still_runs()?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("it does not say where it listens:\n{}", program.said())
}

/// `127.0.0.1:<port>` of a whole URL; a file that is half written has none.
fn address_of(url: &str) -> Option<String> {
    let (address, _path) = url.strip_prefix("http://")?.split_once('/')?;
    let (_host, port) = address.rsplit_once(':')?;
    Some(format!("127.0.0.1:{}", port.parse::<u16>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_a_url_that_is_whole() {
        let whole = "http://0.0.0.0:41234/openai/v1/\n";
        assert_eq!(address_of(whole), Some("127.0.0.1:41234".to_owned()));
        assert_eq!(address_of("http://127.0.0.1:4123"), None);
        assert_eq!(address_of(""), None);
    }
}
