//! Attributes of a service as a whole.

/// The service.
pub const SERVICE_NAME: &str = "service.name";
/// Its version.
pub const SERVICE_VERSION: &str = "service.version";
/// One process of it.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// Where it runs: `production`. Set through `OTEL_RESOURCE_ATTRIBUTES`.
pub const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";
