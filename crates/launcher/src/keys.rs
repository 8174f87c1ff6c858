//! `chappe keys`: API keys from the command line, straight at NATS. So the first key can be made
//! where no gateway runs yet, or where none answers without a key.

mod command;
mod file;
mod of_web;
mod period;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use bus::{Bus, Keys};
use contract::Owner;
use contract::keys::{ApiKey, KeyId, KeyRecord, NotRotated, Rotation};
use service_runtime::{Env, Problems, bad_configuration, failed};

pub(crate) use self::command::Command;
use self::command::{Create, Rotate};
pub(crate) use self::of_web::of_web;
use crate::flags::NAME;
use crate::{data_dir, screen};

/// Longest name of a user that is noted.
const LONGEST_USER: usize = 64;

/// Somebody waits at a terminal: no server answers that does not within this time.
const WAITS_MS: &str = "5000";

/// Does what is asked.
pub(crate) fn main(command: Command, env: &Env) -> ExitCode {
    let nats = match settings(&with_ours(env.clone())) {
        Ok(nats) => nats,
        Err(problems) => return bad_configuration(NAME, &problems),
    };
    service_runtime::refuse_core_dumps();
    service_runtime::install_tls_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let bus = Bus::connect("operator.keys", &nats).await?;
            run(command, &bus, &by(env)).await
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(NAME, &error),
    }
}

/// Where nothing is said of NATS, that of the Chappe with the same data folder is meant.
fn with_ours(mut env: Env) -> Env {
    if env.get("NATS_URL").is_none()
        && let Ok(data_dir) = data_dir::of(&env)
        && let Ok(url) = std::fs::read_to_string(data_dir::nats_url_file(&data_dir))
    {
        env = env.with("NATS_URL", url.trim());
        let seed = data_dir::credentials(&data_dir).join("operator.nk");
        if env.get("NATS_NKEY_FILE").is_none() && seed.is_file() {
            env = env.with("NATS_NKEY_FILE", seed.to_string_lossy());
        }
    }
    if env.get("NATS_CONNECT_TIMEOUT_MS").is_none() {
        env = env.with("NATS_CONNECT_TIMEOUT_MS", WAITS_MS);
    }
    env
}

fn settings(env: &Env) -> Result<bus::Settings, Problems> {
    let mut read = env.reader();
    let nats = bus::Settings::read(&mut read);
    read.finish(|| nats)
}

async fn run(command: Command, bus: &Bus, by: &str) -> anyhow::Result<()> {
    let (keys, now) = (&bus.keys().await?, now());
    match command {
        Command::Create(wanted) => create(*wanted, keys, by, now).await,
        Command::List { json } => {
            let mut records = keys.list().await?;
            records.sort_by_key(|record| record.created_at);
            match (json, records.is_empty()) {
                (true, _) => screen::json(&records.iter().map(table::shown).collect::<Vec<_>>())?,
                (false, true) => {
                    screen::line("There are no keys. Make one: chappe keys create NAME")
                }
                (false, false) => screen::line(&table::of(&records, now)),
            }
            Ok(())
        }
        Command::Rotate(Rotate { id, grace, force, json }) => {
            let rotation = Rotation { grace_seconds: grace.seconds(), force };
            let rotated = keys.change(&id, |record| record.rotate(rotation, by, now));
            let (record, key) = rotated.await?.with_context(|| unknown(&id))?;
            let key = key.map_err(|why| {
                let forced = matches!(why, NotRotated::InRotation { .. });
                let how = if forced { " with --force" } else { "" };
                anyhow::anyhow!("key {id} is not rotated: {why}{how}")
            })?;
            tell(&record, &key, json)
        }
        Command::Revoke { id } => {
            let revoked = keys.change(&id, |record| record.revoke(by, now)).await?;
            let (record, _is_first) = revoked.with_context(|| unknown(&id))?;
            let KeyRecord { name, .. } = record;
            screen::line(&format!(
                "Key {id} ({name}) is revoked. Gateways refuse it within a second."
            ));
            Ok(())
        }
        Command::Forget { tenant, owner } => {
            forget(bus, keys, Owner { tenant, name: owner }, now).await
        }
    }
}

/// Erases what is stored of somebody who can store nothing more.
async fn forget(bus: &Bus, keys: &Keys, owner: Owner, now: u64) -> anyhow::Result<()> {
    let records = keys.list().await?;
    let is_theirs =
        |record: &&KeyRecord| record.tenant == owner.tenant && record.owner == owner.name;
    let theirs = records.iter().filter(is_theirs).filter(|record| record.is_good(now));
    let counting: Vec<String> = theirs.map(|record| record.id.to_string()).collect();
    anyhow::ensure!(
        counting.is_empty(),
        "what is erased would be stored again: revoke {} first",
        counting.join(", ")
    );
    let erased = bus.forget(&owner).await?;
    let Owner { tenant, name } = owner;
    screen::line(&format!(
        "Nothing of {name} in {tenant} is stored any more: {erased} records are erased."
    ));
    Ok(())
}

async fn create(wanted: Create, keys: &Keys, by: &str, now: u64) -> anyhow::Result<()> {
    let json = wanted.json;
    if let Some(to) = wanted.to.clone() {
        return create_in_file(&to, wanted, keys, by, now).await;
    }
    let wanted = wanted.key(now);
    wanted.lasts_beyond(now)?;
    let (key, record) = wanted.make(by, now);
    keys.add(&record).await?;
    tell(&record, &key, json)
}

/// A key that is not shown: it is in a file, for whoever may read that.
async fn create_in_file(
    to: &Path,
    wanted: Create,
    keys: &Keys,
    by: &str,
    now: u64,
) -> anyhow::Result<()> {
    let Create { unless_there, .. } = wanted;
    let say = wanted.say.clone();
    let wanted = wanted.key(now);
    wanted.lasts_beyond(now)?;
    let kept = if unless_there {
        file::kept_or_made(keys, to, wanted, by).await?
    } else {
        let shown = to.display();
        anyhow::ensure!(
            !to.exists(),
            "`{shown}` is there already: name another file, or keep its key with --unless-there"
        );
        file::made(keys, to, wanted, by).await?
    };
    let KeyRecord { id, name, .. } = kept.record;
    let since = if kept.made { "" } else { " already" };
    screen::line(&format!("Key {id} ({name}) is in {}{since}.", to.display()));
    if let Some(say) = say {
        screen::line(&say);
    }
    Ok(())
}

/// The only time that a key is shown.
fn tell(record: &KeyRecord, key: &ApiKey, json: bool) -> anyhow::Result<()> {
    if json {
        let mut shown = table::shown(record);
        shown["key"] = key.reveal().into();
        return screen::json(&shown);
    }
    screen::note(&format!(
        "Key {} ({}), tenant {}, owner {}. It is shown this once:",
        record.id, record.name, record.tenant, record.owner
    ));
    screen::line(key.reveal());
    Ok(())
}

/// Who makes or changes a key, as its record and the audit have it. The user is as the environment
/// says, which the user may change: whoever has the credentials could write any name.
fn by(env: &Env) -> String {
    let user = env.get("USER").or_else(|| env.get("USERNAME"));
    let user = user.filter(|user| {
        user.len() <= LONGEST_USER && user.bytes().all(|byte| byte.is_ascii_graphic())
    });
    user.map_or_else(|| "command line".to_owned(), |user| format!("command line of {user}"))
}

fn unknown(id: &KeyId) -> String {
    format!("there is no key with id {id}; `chappe keys list` has them all")
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acts_is_the_user_where_the_system_names_one() {
        for (user, expected) in [
            ("ann", "command line of ann"),
            ("", "command line"),
            ("a\nb", "command line"),
            (&"x".repeat(65), "command line"),
        ] {
            assert_eq!(by(&Env::from([("USER", user)])), expected);
        }
    }
}
