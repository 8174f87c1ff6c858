//! `bench-mock`: the upstream. Prints the address it listens on.
#![expect(clippy::print_stdout, reason = "whoever starts it reads the address")]

use std::net::SocketAddr;

use clap::Parser;
use tokio::net::TcpSocket;
use tokio::task::LocalSet;

/// An OpenAI-compatible server without a model; the model's name says how an answer is paced.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(options.listen)?;
    let listener = socket.listen(4096)?;
    println!("{}", listener.local_addr()?);
    LocalSet::new().run_until(bench::mock::serve(listener)).await;
    Ok(())
}
