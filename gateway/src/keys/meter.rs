//! How much a key may still be used. Each gateway counts for itself: with two of them behind one
//! address, twice as much gets through.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use contract::keys::Limits;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Rate = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The limits of one key, and what is left of them.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    rate: Option<(u32, Rate)>,
    concurrent: Option<Arc<Semaphore>>,
}

/// Held while a request is answered.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// What is left, where there is a limit.
    pub(crate) allowance: Option<Allowance>,
    _place: Option<OwnedSemaphorePermit>,
}

/// What is left of the requests in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until all of them are left again.
    pub(crate) reset: Duration,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    /// Requests in a minute.
    Rate { limit: u32, come_again: Duration },
    /// Requests that are answered at once.
    Concurrent { limit: u32 },
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Self {
        let per_minute = limits.requests_per_minute.map(|limit| {
            (limit.get(), RateLimiter::direct(Quota::per_minute(limit)).with_middleware())
        });
        let places = limits.concurrent_requests.map(|limit| limit.get() as usize);
        let concurrent =
            places.map(|places| Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))));
        Self { limits, rate: per_minute, concurrent }
    }

    /// Takes a place for one request. A request for which there is no place costs nothing.
    pub(super) fn enter(&self) -> Result<Ticket, Spent> {
        let place = match &self.concurrent {
            Some(places) => match Arc::clone(places).try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_none) => {
                    let limit = self.limits.concurrent_requests.map_or(1, NonZeroU32::get);
                    return Err(Spent::Concurrent { limit });
                }
            },
            None => None,
        };
        let allowance = match &self.rate {
            Some((limit, rate)) => Some(self.one_of(*limit, rate)?),
            None => None,
        };
        Ok(Ticket { allowance, _place: place })
    }

    fn one_of(&self, limit: u32, rate: &Rate) -> Result<Allowance, Spent> {
        match rate.check() {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                let used = limit.saturating_sub(remaining);
                let reset = snapshot.quota().replenish_interval() * used;
                Ok(Allowance { limit, remaining, reset })
            }
            Err(not_until) => {
                let come_again = not_until.wait_time_from(DefaultClock::default().now());
                Err(Spent::Rate { limit, come_again })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_limits_everything_passes_and_nothing_is_said() {
        let meter = Meter::new(Limits::default());
        for _request in 0..1_000 {
            assert_eq!(meter.enter().unwrap().allowance, None);
        }
    }

    #[test]
    fn requests_in_a_minute_are_counted_down_and_then_refused() {
        let limits = Limits { requests_per_minute: NonZeroU32::new(3), ..Limits::default() };
        let meter = Meter::new(limits);

        let left: Vec<u32> =
            (0..3).map(|_request| meter.enter().unwrap().allowance.unwrap().remaining).collect();

        assert_eq!(left, [2, 1, 0]);
        match meter.enter().unwrap_err() {
            Spent::Rate { limit: 3, come_again } => {
                assert!(come_again <= Duration::from_secs(20), "{come_again:?}");
                assert!(come_again > Duration::from_secs(10), "{come_again:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_place_is_free_again_when_its_request_has_ended() {
        let limits = Limits { concurrent_requests: NonZeroU32::new(2), ..Limits::default() };
        let meter = Meter::new(limits);

        let (one, _other) = (meter.enter().unwrap(), meter.enter().unwrap());
        assert_eq!(meter.enter().unwrap_err(), Spent::Concurrent { limit: 2 });

        drop(one);
        assert!(meter.enter().is_ok());
    }

    #[test]
    fn what_finds_no_place_costs_none_of_the_minute() {
        let limits = Limits {
            requests_per_minute: NonZeroU32::new(2),
            concurrent_requests: NonZeroU32::new(1),
        };
        let meter = Meter::new(limits);

        let one = meter.enter().unwrap();
        for _refused in 0..10 {
            assert!(matches!(meter.enter(), Err(Spent::Concurrent { .. })));
        }
        drop(one);

        assert_eq!(meter.enter().unwrap().allowance.unwrap().remaining, 0);
    }
}
