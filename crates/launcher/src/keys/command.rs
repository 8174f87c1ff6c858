//! What can be asked of `chappe keys`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use contract::keys::{ApiKey, Endpoint, KeyId, Limits, NewKey, Scopes};
use contract::{KeyName, Lane, ModelName, OwnerName, TenantName};

use super::period::Period;

/// One of its commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key. It is printed once and cannot be read again.
    Create(Box<Create>),
    /// List all keys, without their secrets.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a key a new secret, which is printed once. The one before stays good for a while.
    Rotate(Rotate),
    /// Take a key back: gateways refuse it within a second. It cannot be undone.
    Revoke {
        /// Its id, which `list` shows.
        #[arg(value_parser = id)]
        id: KeyId,
    },
    /// Erase what is stored of an owner: responses, conversations, and all that led to them. It
    /// cannot be undone. Refused while a key of theirs counts.
    Forget {
        /// Who pays.
        #[arg(long)]
        tenant: TenantName,
        /// Whose it is, within the tenant; a browser of the chat page is `web-…`.
        #[arg(long)]
        owner: OwnerName,
    },
}

/// What is wanted of a new key.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What you call it.
    name: KeyName,

    /// Who pays.
    #[arg(long, default_value = "local")]
    tenant: TenantName,

    /// Whose responses and conversations its callers see, within the tenant.
    #[arg(long, default_value = "local")]
    owner: OwnerName,

    /// A model that may be asked; may be repeated. Without it: all.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<ModelName>,

    /// An endpoint that may be called; may be repeated. Without it: all.
    #[arg(long = "endpoint", value_name = "ENDPOINT", help = ENDPOINTS)]
    endpoints: Vec<Endpoint>,

    /// A lane in which work may be queued; may be repeated. Without it: all.
    #[arg(long = "lane", value_name = "LANE")]
    lanes: Vec<LaneName>,

    /// Operators' work may be done with it, under /v1/admin: keys, how everything is, dead letters.
    #[arg(long)]
    operator: bool,

    /// Its holder may say for whom it calls, as the chat page does.
    #[arg(long)]
    on_behalf_of: bool,

    /// Requests in a minute, on each gateway. Without it: no limit.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,

    /// Requests that are answered at once, on each gateway. Without it: no limit.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    concurrent_requests: Option<u32>,

    /// How long it is good: 90d, 24h, 15m. Without it: until it is revoked.
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Period>,

    /// Print it as JSON, with what was made.
    #[arg(long)]
    pub(super) json: bool,

    /// Write it into this file, which only its owner may read, and do not print it.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(super) to: Option<PathBuf>,

    /// Make none if that file has a key that counts: safe to repeat.
    #[arg(long, requires = "to")]
    pub(super) unless_there: bool,

    /// What to say once it is there, such as how to read it.
    #[arg(long, value_name = "TEXT", requires = "to")]
    pub(super) say: Option<String>,
}

const ENDPOINTS: &str = "An endpoint that may be called: chat.completions, embeddings, responses, \
                         conversations or models; may be repeated. Without it: all";

/// Which key gets a new secret.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its id, which `list` shows.
    #[arg(value_parser = id)]
    pub(super) id: KeyId,

    /// How long the secret before stays good, up to 90d.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(super) grace: Period,

    /// Rotate it though it was rotated lately, which ends at once the secret before that.
    #[arg(long)]
    pub(super) force: bool,

    /// Print it as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LaneName {
    Chat,
    Live,
    Background,
}

impl From<LaneName> for Lane {
    fn from(name: LaneName) -> Self {
        match name {
            LaneName::Chat => Self::Chat,
            LaneName::Live => Self::Live,
            LaneName::Background => Self::Background,
        }
    }
}

impl Create {
    pub(super) fn key(self, now: u64) -> NewKey {
        let lanes = self.lanes.into_iter().map(Lane::from).collect();
        NewKey {
            name: self.name,
            tenant: self.tenant,
            owner: self.owner,
            scopes: Scopes {
                models: named(self.models),
                endpoints: named(self.endpoints),
                lanes: named(lanes),
                operator: self.operator,
                on_behalf_of: self.on_behalf_of,
            },
            limits: Limits {
                requests_per_minute: self.requests_per_minute.and_then(NonZeroU32::new),
                concurrent_requests: self.concurrent_requests.and_then(NonZeroU32::new),
            },
            expires_at: self.expires_in.map(|period| now.saturating_add(period.seconds())),
        }
    }
}

fn named<T>(names: Vec<T>) -> Option<Vec<T>> {
    if names.is_empty() { None } else { Some(names) }
}

/// A whole key names its id as well: it is easily pasted where that is meant.
fn id(text: &str) -> Result<KeyId, &'static str> {
    let of_key = text.parse::<ApiKey>().map(|key| key.id().clone());
    let id = of_key.or_else(|_no_key| text.parse());
    id.map_err(|_invalid| "an id has 16 characters, as `chappe keys list` shows them")
}
