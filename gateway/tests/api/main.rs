//! The gateway as a black box: a real nats-server, callers and workers made for the test.

#[cfg(test)]
mod admin_keys;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod background;
#[cfg(test)]
mod branches;
#[cfg(test)]
mod chaining;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod conversation_turns;
#[cfg(test)]
mod conversations;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod feedback;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod gaps;
#[cfg(test)]
mod handed_over;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod history;
#[cfg(test)]
mod hostile_headers;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod idempotency_chat;
#[cfg(test)]
mod idempotency_endpoints;
#[cfg(test)]
mod idempotency_failures;
#[cfg(test)]
mod key_limits;
#[cfg(test)]
mod key_scopes;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod keys_audited;
#[cfg(test)]
mod keys_followed;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod operator_dead_letters;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod receipts_stored;
#[cfg(test)]
mod reconciling;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod slow_callers;
#[cfg(test)]
mod start;
#[cfg(test)]
mod support;
#[cfg(test)]
mod unkept;
#[cfg(test)]
mod waiting;
