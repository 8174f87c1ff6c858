//! Whether the connection stands, for those who depend on it.

use std::time::Duration;

use async_nats::connection;
use service_runtime::{Health, Readiness, Shutdown};

use crate::{Bus, LinkState};

/// How often it is looked at, beside the news of it.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

impl Bus {
    /// Tells the health port, as the check `nats`, and `tell` whether the connection stands: now,
    /// and whenever that changes, until the process ends. What came and went unseen in between is
    /// told as well.
    pub async fn watch_link(
        &self,
        health: &Health,
        until: &Shutdown,
        mut tell: impl FnMut(LinkState),
    ) {
        let mut state = self.state();
        let mut looks = tokio::time::interval(LOOKED_AT_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let now = *state.borrow_and_update();
            tell(now);
            let readiness = match now {
                LinkState::Connected => Readiness::Ok,
                LinkState::Disconnected => Readiness::Failing("NATS is disconnected".to_owned()),
            };
            health.report("nats", readiness);
            loop {
                tokio::select! {
                    () = until.requested() => return,
                    changed = state.changed() => match changed {
                        Ok(()) => break,
                        Err(_closed) => return,
                    },
                    _ = looks.tick() => self.look_at_link(),
                }
            }
        }
    }

    /// The client library tells each change once, and drops what it cannot tell in a storm of
    /// other news.
    fn look_at_link(&self) {
        let now = match self.client.connection_state() {
            connection::State::Connected => {
                self.connection.stands();
                LinkState::Connected
            }
            connection::State::Pending | connection::State::Disconnected => {
                self.connection.lost();
                LinkState::Disconnected
            }
        };
        self.state.send_if_modified(|state| std::mem::replace(state, now) != now);
    }
}
