//! A client of what runs on this machine.

/// A client that uses no proxy of the environment.
pub fn http_client() -> reqwest::Client {
    // Without one a client cannot be made, even for plain HTTP.
    service_runtime::install_tls_provider();
    reqwest::Client::builder().no_proxy().build().expect("an HTTP client")
}

/// One that does not go where it is sent: that is for the test to see.
pub fn http_client_that_stays() -> reqwest::Client {
    service_runtime::install_tls_provider();
    let builder = reqwest::Client::builder().no_proxy();
    builder.redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client")
}
