//! Events as log lines on stderr, and to a collector.

mod exported;
mod json;
mod value;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use exported::layers as exported_layers;

use crate::identity::Identity;
use crate::settings::{LogFilter, LogFormat};

/// Libraries whose chatter is about connections, files and batches, by the beginning of their names: from
/// them warnings only, unless the filter names them.
const QUIET: [&str; 6] =
    ["async_nats", "hyper", "memory_serve", "opentelemetry", "reqwest", "rustls"];

/// Below `info` it prints whole messages, in which are prompts, answers and hashes of keys: these levels
/// are not to be had, whatever the filter says.
const PRINTS_MESSAGES: &str = "async_nats";

/// The layer that writes log lines.
pub(crate) fn layer<S, W>(
    format: LogFormat,
    services: &[Identity],
    filter: EventFilter,
    writer: W,
    coloured: bool,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Json => layer.event_format(json::Json::of(services)).with_filter(filter).boxed(),
        // On a terminal the layer's own default stands: coloured unless NO_COLOR is set.
        LogFormat::Text if coloured => layer.with_filter(filter).boxed(),
        LogFormat::Text => layer.with_ansi(false).with_filter(filter).boxed(),
    }
}

/// Lets events through by target and level, and never a span: so a span that nobody exports is not
/// even made.
#[derive(Clone)]
pub(crate) struct EventFilter(Targets);

impl EventFilter {
    pub(crate) fn of(filter: &LogFilter) -> Self {
        let given = &filter.0;
        let quiet = QUIET
            .into_iter()
            .filter(|library| given.iter().all(|(target, _)| target != *library))
            .map(|library| (library, given.default_level().unwrap_or(LevelFilter::OFF)))
            .map(|(library, level)| (library, level.min(LevelFilter::WARN)))
            .collect::<Vec<_>>();
        Self(given.clone().with_targets(quiet))
    }

    fn lets_through(&self, metadata: &Metadata<'_>) -> bool {
        let (target, level) = (metadata.target(), metadata.level());
        let prints_messages = *level > Level::INFO && target.starts_with(PRINTS_MESSAGES);
        metadata.is_event() && !prints_messages && self.0.would_enable(target, level)
    }
}

impl<S> Filter<S> for EventFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.lets_through(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lets_through(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}

#[cfg(test)]
mod tests;
