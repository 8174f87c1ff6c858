//! Messages over NATS.
//!
//! A span is named `{operation name} {destination template}`, the template without any id:
//! `process job.chat.{queue}`. One message is one job, so its `process` span is a child of the
//! span that published it, and carries a link to it too; background and batch work begins a trace
//! of its own, linked. No span per chunk of an answer.

use super::{Instrument, buckets};

/// Value of [`SYSTEM`].
pub const SYSTEM_NATS: &str = "nats";

/// Operation name and type: publishing. Kind producer.
pub const SEND: &str = "send";
/// Operation name of publishing.
pub const PUBLISH: &str = "publish";
/// Operation name of a message that came.
pub const RECEIVE: &str = "receive";
/// Operation name and type: working on a message. Kind consumer.
pub const PROCESS: &str = "process";
/// Operation name: done.
pub const ACK: &str = "ack";
/// Operation name: again, later.
pub const NAK: &str = "nak";
/// Operation name: never again.
pub const TERM: &str = "term";
/// Operation name: still at it.
pub const PROGRESS: &str = "progress";

/// Operation name: a server stores a message.
pub const STORE: &str = "store";
/// Operation name: a server hands a message to another.
pub const ROUTE: &str = "route";

/// The broker.
pub const SYSTEM: &str = "messaging.system";
/// What is done, in the broker's words.
pub const OPERATION_NAME: &str = "messaging.operation.name";
/// What is done, in the conventions' words.
pub const OPERATION_TYPE: &str = "messaging.operation.type";
/// The subject without ids.
pub const DESTINATION_TEMPLATE: &str = "messaging.destination.template";
/// The durable consumer.
pub const CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
/// The `Nats-Msg-Id`. Never a metric label.
pub const MESSAGE_ID: &str = "messaging.message.id";
/// Size of the payload in bytes.
pub const MESSAGE_BODY_SIZE: &str = "messaging.message.body.size";
/// The stream. The conventions have no name for it.
pub const NATS_STREAM: &str = "app.nats.stream";
/// The server of NATS that did it. Never a metric label.
pub const NATS_SERVER: &str = "app.nats.server";
/// How often the message was delivered, this time included. Never a metric label.
pub const NATS_DELIVERED: &str = "app.nats.delivered";

/// One call to the broker. Reported by who calls.
pub const CLIENT_OPERATION_DURATION: Instrument = Instrument::histogram_of(
    "messaging.client.operation.duration",
    "s",
    buckets::HTTP_SECONDS,
    "Duration of messaging operations.",
);
/// Work on one message, as long as its span. Reported by the worker.
pub const PROCESS_DURATION: Instrument = Instrument::histogram_of(
    "messaging.process.duration",
    "s",
    buckets::PROCESS_SECONDS,
    "Duration of processing a message.",
);
/// Messages published. Reported by who publishes.
pub const CLIENT_SENT_MESSAGES: Instrument = Instrument::counter_of(
    "messaging.client.sent.messages",
    "{message}",
    "Number of messages published.",
);
/// Messages received. Reported by who pulls.
pub const CLIENT_CONSUMED_MESSAGES: Instrument = Instrument::counter_of(
    "messaging.client.consumed.messages",
    "{message}",
    "Number of messages received.",
);
