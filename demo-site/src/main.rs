//! The `footfall-forum` program: reads its settings, listens, and serves the forum until it is told to stop.
//! Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use footfall_demo_site::{Error, Settings, run};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    match listen_and_run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen_and_run(settings: Settings) -> Result<(), Error> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt()).map_err(Error::Serve)?,
        signal(SignalKind::terminate()).map_err(Error::Serve)?,
    );
    let listen = settings.listen;
    let listener =
        TcpListener::bind(listen).await.map_err(|source| Error::Listen { address: listen, source })?;
    tracing::info!("listening on http://{} (forum)", listener.local_addr().map_err(Error::Serve)?);
    run(listener, settings, async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
    .await
}
