//! A gateway in memory: conversations and stored responses as ours gives them, and answers as a
//! test says them.
//!
//! * [`Gateway`]: what a test does with it. It can refuse, hold back, lose, cut, die and come back.
//! * [`answering`]: an answer, said piece by piece. The events are those of our gateway's own fold.
//! * [`script`]: what is said where a test says nothing itself.
//! * [`calls`]: what it was asked. [`rules`]: what it says to that instead of what it knows.
//! * [`store`]: what it keeps. [`tree`]: the turns of a conversation.
//! * [`routes`], [`conversations`], [`responses`], [`stream`], [`refusal`]: HTTP.

mod answering;
mod calls;
mod conversations;
mod refusal;
mod responses;
mod routes;
mod rules;
mod script;
mod store;
mod stream;
mod tests;
mod tree;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use service_runtime::{HttpLimits, HttpServer, Shutdown};
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub(crate) use self::answering::Answering;
pub(crate) use self::calls::Call;
pub(crate) use self::rules::Refused;
use self::rules::Rules;
pub(crate) use self::script::{Piece, Script};
use self::store::Store;

/// The gateway. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    world: Arc<World>,
    /// Everything that it does is done here: whoever ends this kills it.
    life: Mutex<Option<Runtime>>,
    taken: AtomicUsize,
}

/// What outlives its death.
struct World {
    store: Mutex<Store>,
    rules: Mutex<Rules>,
    calls: watch::Sender<Vec<Call>>,
    answers: watch::Sender<Vec<Answering>>,
    /// Requests that are not answered for now.
    held: watch::Sender<Vec<String>>,
    cuts: watch::Sender<Cuts>,
}

/// How often streams were cut, and how the last time.
#[derive(Clone, Copy, Default)]
struct Cuts {
    number: u64,
    how: Cut,
}

/// How a stream is cut.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection breaks.
    #[default]
    Silently,
    /// With an error that is no event of the response, as by a gateway that stops.
    InWords,
}

impl Gateway {
    /// One that repeats whatever it is asked, at once: `You said: …`.
    pub(crate) fn start() -> Self {
        let gateway = Self(Arc::new(Inner {
            address: ([127, 0, 0, 1], test_support::free_port()).into(),
            world: Arc::new(World {
                store: Mutex::default(),
                rules: Mutex::default(),
                calls: watch::Sender::default(),
                answers: watch::Sender::default(),
                held: watch::Sender::default(),
                cuts: watch::Sender::default(),
            }),
            life: Mutex::default(),
            taken: AtomicUsize::new(0),
        }));
        gateway.come_back();
        gateway
    }

    /// One whose answers wait for [`Gateway::next_answer`].
    pub(crate) fn that_waits() -> Self {
        let gateway = Self::start();
        gateway.answers_by(Script::Waits);
        gateway
    }

    /// One that refuses everyone.
    pub(crate) fn that_refuses(status: u16, code: &str, message: &str) -> Self {
        let gateway = Self::start();
        gateway.refuse(status, code, message);
        gateway
    }

    /// From now on it says this to everyone.
    pub(crate) fn refuse(&self, status: u16, code: &str, message: &str) {
        self.rules().says = Some((status, Refused::new(status, code, message).body()));
    }

    /// From now on it lists nothing, and minds nobody.
    pub(crate) fn let_in(&self) {
        self.rules().says = Some((200, json!({"object": "list", "data": []}).to_string()));
    }

    /// From now on it says this to each request of that method and path: `GET /v1/models`. Ids may
    /// be named as `{id}`.
    pub(crate) fn say_to(&self, request: &str, status: u16, body: impl ToString) {
        self.rules().says_to.insert(request.to_owned(), (status, body.to_string()));
    }

    /// Refuses the next request of that method and path.
    pub(crate) fn refuse_next(&self, request: &str, refused: Refused) {
        self.refuse_after(request, 0, refused);
    }

    /// Refuses one request of that method and path, behind so many that it answers.
    pub(crate) fn refuse_after(&self, request: &str, answered: usize, refused: Refused) {
        self.rules().refuses_next.push((request.to_owned(), answered, refused));
    }

    /// Does what the next request of that method and path asks; its answer gets lost on the way.
    pub(crate) fn lose_next(&self, request: &str) {
        self.rules().loses_next.push(request.to_owned());
    }

    /// Answers no more requests of that method and path until [`Gateway::release`].
    pub(crate) fn hold(&self, request: &str) {
        self.0.world.held.send_modify(|held| held.push(request.to_owned()));
    }

    /// Answers whatever was held back.
    pub(crate) fn release(&self) {
        self.0.world.held.send_modify(Vec::clear);
    }

    /// How it answers from now on.
    pub(crate) fn answers_by(&self, script: Script) {
        self.rules().script = script;
    }

    /// What it tells of each answer that ends from now on.
    pub(crate) fn tells_receipts(&self, receipt: Option<Value>) {
        self.rules().receipt = receipt.map(|receipt| receipt.to_string());
    }

    /// The models that it lists from now on, each with what it can do.
    pub(crate) fn lists(&self, models: &[(&str, &str)]) {
        let of = |(name, can): &(&str, &str)| ((*name).to_owned(), (*can).to_owned());
        self.rules().models = models.iter().map(of).collect();
    }

    /// Cuts every stream that is read now.
    pub(crate) fn cut(&self, how: Cut) {
        self.0.world.cuts.send_modify(|cuts| *cuts = Cuts { number: cuts.number + 1, how });
    }

    /// The next streams break after so many bytes each.
    pub(crate) fn breaks_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.rules().breaks_after.extend(bytes);
    }

    /// Ends at once, with every connection. What it keeps is kept.
    pub(crate) async fn die(&self) {
        let life = self.0.life.lock().unwrap().take();
        tokio::task::spawn_blocking(move || drop(life)).await.unwrap();
    }

    /// Begins to answer, at its address.
    pub(crate) fn come_back(&self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = {
            let _within = runtime.enter();
            HttpServer::bind(self.0.address, "GATEWAY_LISTEN", HttpLimits::default()).unwrap()
        };
        let router = routes::router(Arc::clone(&self.0.world));
        runtime.spawn(server.serve(router, Shutdown::manual()));
        *self.0.life.lock().unwrap() = Some(runtime);
    }

    /// The answer to the next question that was not given out before.
    pub(crate) async fn next_answer(&self) -> Answering {
        let at = self.0.taken.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.0.world.answers.subscribe();
        let answers = answers.wait_for(|answers| answers.len() > at).await.unwrap();
        answers[at].clone()
    }

    /// All answers so far.
    pub(crate) fn answers(&self) -> Vec<Answering> {
        self.0.world.answers.borrow().clone()
    }

    /// All that it got so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.world.calls.borrow().clone()
    }

    /// What it got of that method and path so far.
    pub(crate) fn calls_of(&self, request: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.is(request)).collect()
    }

    /// Waits until it has got that often what is of that method and path.
    pub(crate) async fn is_called(&self, request: &str, times: usize) {
        let often = |calls: &Vec<Call>| calls.iter().filter(|call| call.is(request)).count();
        let mut calls = self.0.world.calls.subscribe();
        calls.wait_for(|calls| often(calls) >= times).await.unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.world.rules.lock().unwrap()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(life) = self.life.lock().unwrap().take() {
            // Nobody may wait here: it can be a test's own thread.
            life.shutdown_background();
        }
    }
}
