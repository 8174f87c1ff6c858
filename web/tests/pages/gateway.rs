//! A gateway that says to everyone what a test tells it to say, and remembers how it was called.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use service_runtime::{HttpLimits, HttpServer, Shutdown};

/// The gateway. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    server: Mutex<Option<HttpServer>>,
    address: SocketAddr,
    says: Mutex<(StatusCode, String)>,
    /// What it says to some requests, by method and path.
    says_to: Mutex<HashMap<String, (StatusCode, String)>>,
    calls: Mutex<Vec<Call>>,
}

/// One request that it got.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Gateway {
    /// One that refuses everyone.
    pub(crate) fn that_refuses(status: u16, code: &str, message: &str) -> Self {
        let server =
            HttpServer::bind(([127, 0, 0, 1], 0).into(), "GATEWAY_LISTEN", HttpLimits::default());
        let server = server.unwrap();
        let gateway = Self(Arc::new(Inner {
            address: server.address(),
            server: Mutex::new(Some(server)),
            says: Mutex::default(),
            says_to: Mutex::default(),
            calls: Mutex::default(),
        }));
        gateway.refuse(status, code, message);
        gateway
    }

    /// From now on it says this.
    pub(crate) fn refuse(&self, status: u16, code: &str, message: &str) {
        let kind = "invalid_request_error";
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        self.say(status, json!({ "error": error }).to_string());
    }

    /// From now on it lists no models, and minds nobody.
    pub(crate) fn let_in(&self) {
        self.say(200, json!({"object": "list", "data": []}).to_string());
    }

    /// From now on it says this to each request of that method and path: `GET /v1/models`.
    pub(crate) fn say_to(&self, request: &str, status: u16, body: impl ToString) {
        let said = (StatusCode::from_u16(status).unwrap(), body.to_string());
        self.0.says_to.lock().unwrap().insert(request.to_owned(), said);
    }

    pub(crate) fn say(&self, status: u16, body: String) {
        *self.0.says.lock().unwrap() = (StatusCode::from_u16(status).unwrap(), body);
    }

    /// All that it got so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().unwrap().clone()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub(crate) fn run_until(&self, shutdown: Shutdown) -> impl Future<Output = ()> + use<> {
        let server = self.0.server.lock().unwrap().take().unwrap();
        let gateway = self.clone();
        let answer = async move |request: Request| {
            let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
            let method = request.method().to_string();
            let to_this =
                gateway.0.says_to.lock().unwrap().get(&format!("{method} {path}")).cloned();
            gateway.0.calls.lock().unwrap().push(Call { method, path, headers });
            to_this.unwrap_or_else(|| gateway.0.says.lock().unwrap().clone())
        };
        server.serve(Router::new().fallback(answer), shutdown)
    }
}
