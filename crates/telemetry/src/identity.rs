//! Who a signal comes from.

use opentelemetry::trace::TraceId;
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::names::resource::{SERVICE_INSTANCE_ID, SERVICE_VERSION};

/// One service of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The `service.name`, for instance `llm-worker`.
    pub name: &'static str,
    /// The `service.version`: `env!("CARGO_PKG_VERSION")` of the service's crate.
    pub version: &'static str,
    /// The crate's name as the compiler writes it, for instance `llm_worker`. Spans and events
    /// whose target is this crate, or a module in it, belong to this service.
    pub crate_target: &'static str,
}

impl Identity {
    /// Whether a span or event with this target is this service's.
    pub(crate) fn owns(&self, target: &str) -> bool {
        target
            .strip_prefix(self.crate_target)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    /// What every exported signal of this service carries.
    ///
    /// `OTEL_RESOURCE_ATTRIBUTES` adds to it and may set `service.instance.id` (in Kubernetes: the
    /// pod). Name and version are ours: several services can share one environment.
    pub(crate) fn resource(&self) -> Resource {
        let from_environment = Resource::builder().build();
        let instance = from_environment
            .get(&Key::from_static_str(SERVICE_INSTANCE_ID))
            .unwrap_or_else(|| random_uuid().into());

        Resource::builder()
            .with_service_name(self.name)
            .with_attribute(KeyValue::new(SERVICE_VERSION, self.version))
            .with_attribute(KeyValue::new(SERVICE_INSTANCE_ID, instance))
            .build()
    }

    /// What made the spans and instruments: the service itself.
    pub(crate) fn scope(&self) -> InstrumentationScope {
        InstrumentationScope::builder(self.name).with_version(self.version).build()
    }
}

/// A random UUID (version 4), from the generator that the SDK uses for trace ids.
fn random_uuid() -> String {
    let mut bytes = TraceId::to_bytes(RandomIdGenerator::default().new_trace_id());
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKER: Identity =
        Identity { name: "llm-worker", version: "1.2.3", crate_target: "llm_worker" };

    #[test]
    fn a_service_owns_its_crate_and_its_modules_only() {
        assert!(WORKER.owns("llm_worker"));
        assert!(WORKER.owns("llm_worker::intake"));
        assert!(!WORKER.owns("llm_worker_extra"));
        assert!(!WORKER.owns("bus"));
    }

    #[test]
    fn the_resource_names_the_service_and_each_instance_differs() {
        let text = |resource: &Resource, key| {
            resource.get(&Key::from_static_str(key)).map(|v| v.to_string()).unwrap()
        };
        let (a, b) = (WORKER.resource(), WORKER.resource());

        assert_eq!(text(&a, "service.name"), "llm-worker");
        assert_eq!(text(&a, "service.version"), "1.2.3");
        assert_ne!(text(&a, "service.instance.id"), text(&b, "service.instance.id"));
        assert_eq!(text(&a, "service.instance.id").len(), 36);
    }
}
