//! `footfall serve`: runs the server until it is told to stop.
//! A second signal ends the process at once; what was acknowledged is durable by then.

use super::{CommandError, settings};
use crate::cli::Said;
use crate::server::{Listeners, run};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the server.
///
/// # Errors
/// [`CommandError`] where the settings are wrong, an address is taken, or nothing durable can be opened.
pub fn serve(said: Said) -> Result<(), CommandError> {
    let (settings, _) = settings(said)?;
    let system = |doing| move |source| CommandError::System { doing, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(system("cannot start threads"))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(system("cannot wait for SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("cannot wait for SIGINT"))?;
        let listeners = Listeners::bind(&settings).await?;
        let (told, stop) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut signals = 0;
            let mut told = Some(told);
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                signals += 1;
                if let Some(told) = told.take() {
                    // An error says that the server has ended already.
                    let _ = told.send(());
                }
                if signals > 1 {
                    tracing::warn!("a second signal: ending at once");
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
