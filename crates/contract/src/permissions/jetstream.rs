//! The subjects that JetStream listens to, as far as any service of ours needs one.

/// What an account has; the cheapest question that the server answers itself.
pub(super) const INFO: &str = "$JS.API.INFO";
/// The names of all streams.
pub(super) const STREAM_NAMES: &str = "$JS.API.STREAM.NAMES";
/// The state of all streams.
pub(super) const STREAM_LIST: &str = "$JS.API.STREAM.LIST";

/// The state of a stream.
pub(super) fn stream_info(stream: &str) -> String {
    format!("$JS.API.STREAM.INFO.{stream}")
}

/// To make a stream.
pub(super) fn stream_create(stream: &str) -> String {
    format!("$JS.API.STREAM.CREATE.{stream}")
}

/// To change a stream.
pub(super) fn stream_update(stream: &str) -> String {
    format!("$JS.API.STREAM.UPDATE.{stream}")
}

/// To remove messages of a stream.
pub(super) fn purge(stream: &str) -> String {
    format!("$JS.API.STREAM.PURGE.{stream}")
}

/// To remove one message.
pub(super) fn message_delete(stream: &str) -> String {
    format!("$JS.API.STREAM.MSG.DELETE.{stream}")
}

/// One message, as the leader knows it.
pub(super) fn message_get(stream: &str) -> String {
    format!("$JS.API.STREAM.MSG.GET.{stream}")
}

/// The last message on a subject, as any replica knows it.
pub(super) fn direct_get(stream: &str, subjects: &str) -> String {
    format!("$JS.API.DIRECT.GET.{stream}.{subjects}")
}

/// One message by its number, or many, as any replica knows them.
pub(super) fn direct_get_batch(stream: &str) -> String {
    format!("$JS.API.DIRECT.GET.{stream}")
}

/// To make a consumer that has a name, or change it.
pub(super) fn consumer_create(stream: &str) -> String {
    format!("$JS.API.CONSUMER.CREATE.{stream}.>")
}

/// To make a consumer whose name the server chooses.
pub(super) fn consumer_create_nameless(stream: &str) -> String {
    format!("$JS.API.CONSUMER.CREATE.{stream}")
}

/// The state of a consumer.
pub(super) fn consumer_info(stream: &str) -> String {
    format!("$JS.API.CONSUMER.INFO.{stream}.*")
}

/// The names of a stream's consumers.
pub(super) fn consumer_names(stream: &str) -> String {
    format!("$JS.API.CONSUMER.NAMES.{stream}")
}

/// The states of a stream's consumers.
pub(super) fn consumer_list(stream: &str) -> String {
    format!("$JS.API.CONSUMER.LIST.{stream}")
}

/// To pull from a consumer.
pub(super) fn consumer_next(stream: &str) -> String {
    format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.*")
}

/// To settle deliveries: the form that servers have used so far, and the one with a domain and an
/// account in front.
pub(super) fn acknowledgements(stream: &str) -> [String; 2] {
    [format!("$JS.ACK.{stream}.>"), format!("$JS.ACK.*.*.{stream}.>")]
}

/// To say that what was pushed has arrived, in both forms.
pub(super) fn flow_control(stream: &str) -> [String; 2] {
    [format!("$JS.FC.{stream}.>"), format!("$JS.FC.*.*.{stream}.>")]
}
