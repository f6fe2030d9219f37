//! `footfall serve`: runs the server until it is told to stop.
//! A signal a while after the first ends the process at once; what was acknowledged is durable by then.

use super::{CommandError, settings};
use crate::cli::Said;
use crate::server::{Listeners, run};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Signals this close together are one stop told twice: a terminal tells all its programs, and whoever started them
/// passes it on.
const SAME_STOP: Duration = Duration::from_secs(1);

/// Runs the server.
///
/// # Errors
/// [`CommandError`] where the settings are wrong, an address is taken, or nothing durable can be opened.
pub fn serve(said: Said) -> Result<(), CommandError> {
    let (settings, _) = settings(said)?;
    settings.log_format.apply();
    let system = |doing| move |source| CommandError::System { doing, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.worker_threads)
        .enable_all()
        .build()
        .map_err(system("cannot start threads"))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(system("cannot wait for SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("cannot wait for SIGINT"))?;
        let listeners = Listeners::bind(&settings).await?;
        let (told, stop) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut first = None;
            let mut told = Some(told);
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if let Some(told) = told.take() {
                    // An error says that the server has ended already.
                    let _ = told.send(());
                }
                if first.get_or_insert_with(Instant::now).elapsed() > SAME_STOP {
                    tracing::warn!("told to stop again: ending at once");
                    std::process::exit(130);
                }
            }
        });
        run(listeners, settings, async {
            let _ = stop.await;
        })
        .await?;
        Ok(())
    })
}
