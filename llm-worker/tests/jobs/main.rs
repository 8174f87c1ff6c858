//! The worker as a black box: a real nats-server, a gateway and a model made for the test.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod follow_ups;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod queue;
mod slow_callers;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod stored_behind;
mod stored_lanes;
#[cfg(test)]
mod stored_writers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod upstreams;
