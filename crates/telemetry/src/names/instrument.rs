//! What is fixed about an instrument.

use opentelemetry::metrics::{AsyncInstrument, Counter, Gauge, Histogram, Meter, UpDownCounter};

/// What an instrument does with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Things that come and go.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// How often which values came.
    Histogram,
}

/// An instrument's name, kind, unit, description and buckets, so that every service makes it alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instrument {
    /// As in the conventions: `http.server.request.duration`. A scrape shows it as
    /// `http_server_request_duration_seconds`.
    pub name: &'static str,
    /// Which of the makers below is its own.
    pub kind: Kind,
    /// UCUM: `s`, `By`, or a note such as `{token}`, which adds nothing to a scraped name.
    pub unit: &'static str,
    /// One line for the reader of a scrape.
    pub description: &'static str,
    /// Upper bounds of a histogram's buckets; empty for anything else.
    pub buckets: &'static [f64],
}

impl Instrument {
    pub(super) const fn histogram_of(
        name: &'static str,
        unit: &'static str,
        buckets: &'static [f64],
        description: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram, unit, description, buckets }
    }

    pub(super) const fn counter_of(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, unit, description, buckets: &[] }
    }

    pub(super) const fn up_down_of(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, kind: Kind::UpDownCounter, unit, description, buckets: &[] }
    }

    pub(super) const fn gauge_of(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, unit, description, buckets: &[] }
    }

    /// A histogram of seconds.
    #[must_use]
    pub fn histogram(&self, meter: &Meter) -> Histogram<f64> {
        self.is(Kind::Histogram);
        meter
            .f64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_boundaries(self.buckets.to_vec())
            .build()
    }

    /// A histogram of whole things: tokens, bytes.
    #[must_use]
    pub fn whole_histogram(&self, meter: &Meter) -> Histogram<u64> {
        self.is(Kind::Histogram);
        meter
            .u64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_boundaries(self.buckets.to_vec())
            .build()
    }

    /// A count that only grows.
    #[must_use]
    pub fn counter(&self, meter: &Meter) -> Counter<u64> {
        self.is(Kind::Counter);
        meter.u64_counter(self.name).with_unit(self.unit).with_description(self.description).build()
    }

    /// A count of things that come and go.
    #[must_use]
    pub fn up_down_counter(&self, meter: &Meter) -> UpDownCounter<i64> {
        self.is(Kind::UpDownCounter);
        meter
            .i64_up_down_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .build()
    }

    /// Values that are asked for when they are scraped; without an answer there is none.
    pub fn observed<F>(&self, meter: &Meter, observe: F)
    where
        F: Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    {
        self.is(Kind::Gauge);
        meter
            .f64_observable_gauge(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_callback(observe)
            .build();
    }

    /// A value that is set.
    #[must_use]
    pub fn gauge(&self, meter: &Meter) -> Gauge<u64> {
        self.is(Kind::Gauge);
        meter.u64_gauge(self.name).with_unit(self.unit).with_description(self.description).build()
    }

    /// Counts that are asked for when they are scraped.
    pub fn counted<F>(&self, meter: &Meter, count: F)
    where
        F: Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    {
        self.is(Kind::Counter);
        meter
            .u64_observable_counter(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_callback(count)
            .build();
    }

    /// The registry says the same kind: whoever makes an instrument as another has a mistake here.
    fn is(&self, kind: Kind) {
        debug_assert_eq!(self.kind, kind, "{}", self.name);
    }
}
