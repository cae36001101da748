//! The `foghorn` command: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use foghorn::cli::{Cli, Exit};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One TLS stack: whoever opens TLS finds this provider. Only a second call could fail.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let cli = Cli::parse();
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return Exit::Failed.into(),
    };
    let exit = runtime.block_on(foghorn::cli::run(cli));
    // What still runs after a second signal is not waited for: its rows are adopted at the next start.
    runtime.shutdown_background();
    exit.into()
}
