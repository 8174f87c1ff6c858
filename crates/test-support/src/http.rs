//! A client of what runs on this machine.

/// A client that uses no proxy of the environment.
pub fn http_client() -> reqwest::Client {
    // Without one a client cannot be made, even for plain HTTP.
    service_runtime::install_tls_provider();
    reqwest::Client::builder().no_proxy().build().expect("an HTTP client")
}
