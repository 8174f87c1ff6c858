//! The bus: the only crate that knows async-nats.
//!
//! # Where to look
//!
//! * [`Bus`]: one connection of a process, and whether it stands.
//! * [`JobSource`], [`Delivery`]: jobs as they come, and the duty to settle each once.
//! * [`QueueState`]: who waits. [`StreamState`]: what a stream holds.
//! * [`Mail`], [`ForWorker`], [`Bus::claim`]: what gateways and workers say to each other.
//! * [`LogWriter`], [`LogReader`], [`LogWalk`], [`Entry`]: logs of stored jobs.
//! * [`DeadLetters`], [`Buried`]: jobs that were given up. [`Bus::ask_figures`]: what gateways ask
//!   each other.
//! * [`Records`]: small records by key, changed by compare-and-set.
//! * [`Keys`]: API keys, changed by operators and followed by gateways.
//! * [`Hop`]: what servers did with jobs, as they tell it.
//! * [`Blobs`]: bodies over what a message holds.
//! * [`Required`]: what a service needs to find on the server.
//! * [`Nkey`], [`Credentials`]: who a process is to the server, and who may do what.
//! * [`server_now_ms`]: the time by the clock of NATS.
//! * [`declare`]: creates every stream and consumer; called by `nats-init` only.
//!
//! # What never happens here
//!
//! * No subject is spelt: see `contract::subjects`.
//! * No service creates a stream or a consumer: what is missing is named, with the remedy.
//! * No span is made: callers pass theirs, so that it belongs to their service.

mod beats;
mod blobs;
mod catalogue;
mod chores;
mod clock;
mod connection;
mod credentials;
mod dead;
mod declare;
mod delivery;
mod error;
mod figures;
mod forget;
mod hops;
mod keys;
mod link;
mod log;
mod mail;
mod nkey;
mod patience;
mod publish;
mod pull;
mod queue_state;
mod records;
mod refusals;
mod required;
mod settings;
mod storing;
mod stream_state;
mod worker_mail;

pub use blobs::Blobs;
pub use catalogue::{MODELS_FILE, read_catalogue};
pub use clock::server_now_ms;
pub use connection::{Bus, LinkState};
pub use credentials::{
    Credentials, CredentialsCommand, CredentialsError, Place, SERVER_FILE, ServerCertificate,
};
pub use dead::{Buried, DeadLetters};
pub use declare::{Declared, Storage, declare, declare_in};
pub use delivery::Delivery;
pub use error::{BusError, ClaimError};
pub use hops::{Hop, Hops};
pub use keys::{KeyState, Keys, KeysState, StoredKey};
pub use log::{AppendError, Entry, LogReader, LogWalk, LogWriter, WriteError};
pub use mail::{Mail, MailBox, Receipt, ReplyTo};
pub use nkey::Nkey;
pub use pull::{JobSource, Pulled};
pub use queue_state::QueueState;
pub use records::{Record, RecordError, Records};
pub use required::Required;
pub use settings::{Servers, Settings, VARIABLES};
pub use stream_state::StreamState;
pub use worker_mail::ForWorker;

/// The oldest nats-server that has what is declared here.
pub const MINIMUM_SERVER: (u32, u32) = (2, 14);
