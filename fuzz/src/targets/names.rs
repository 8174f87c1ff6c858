//! Ids, names and subjects: what reads is spelt in one way only, and stays within its level.

use contract::keys::{ApiKey, KeyId};
use contract::log::LogId;
use contract::{
    ConversationId, JobId, Lane, ModelName, Owner, OwnerName, QueueName, TenantName, subjects,
};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = JobId::of_response(text) {
        assert_eq!(id.as_response(), text, "one spelling for each response");
    }
    if let Ok(id) = ConversationId::of_conversation(text) {
        assert_eq!(id.as_conversation(), text, "one spelling for each conversation");
    }
    if let Ok(key) = text.parse::<ApiKey>() {
        assert_eq!(key.reveal(), text, "one spelling for each key");
        assert!(!format!("{key:?}").contains(&text[30..]), "a key is not printed");
        assert_eq!(key.id().as_str().parse::<KeyId>().as_ref(), Ok(key.id()));
    }
    if let Ok(model) = text.parse::<ModelName>() {
        assert_eq!(model.as_str(), text);
    }
    if let (Ok(queue), Ok(tenant)) = (text.parse::<QueueName>(), text.parse::<TenantName>()) {
        named(&queue, &tenant);
    }
    if let Some(log) = subjects::read_log(text) {
        assert_eq!(subjects::log(&log), text, "one subject for each log");
    }
    if let Some(id) = subjects::read_conversation_key(text) {
        assert_eq!(text.split('.').nth(2), Some(id.to_string().as_str()), "the id is a token");
    }
    let _chore = subjects::read_chore(text);
    let _job = subjects::read_job(text);
    let _mail = (subjects::read_gateway_mail(text), subjects::read_worker_mail(text));
}

/// Whatever somebody is called, it is one level of a subject, and reads back.
fn named(queue: &QueueName, tenant: &TenantName) {
    let job = JobId::from_bytes([7; 16]);
    let subject = subjects::job(Lane::Live, queue, tenant, job);
    assert_plain(&subject, 5);
    let read = subjects::read_job(&subject);
    assert_eq!(read, Some((queue.clone(), tenant.clone())), "{subject}");
    // As long as a name of an owner may be, a name of a tenant is one too.
    let Ok(name) = tenant.as_str().parse::<OwnerName>() else { return };
    let log = LogId { owner: Owner { tenant: tenant.clone(), name }, job };
    let subject = subjects::log(&log);
    assert_plain(&subject, 4);
    assert_eq!(subjects::read_log(&subject), Some(log), "{subject}");
}

fn assert_plain(subject: &str, levels: usize) {
    assert_eq!(subject.split('.').count(), levels, "{subject}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    assert!(subject.bytes().all(plain), "{subject}");
}
