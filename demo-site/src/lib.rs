//! A small forum that measures itself with Footfall, as the owner of any page would: one script tag and a few attributes.
//! It keeps its own data in SQLite and shows what the ingest server accepted; collecting events is left to Footfall.

mod error;
mod http;
mod moment;
mod settings;
mod store;
mod text;
mod views;

use std::{future::Future, time::Duration};

pub use error::Error;
pub use settings::{BaseUrl, Settings};

use store::Store;
use tokio::{net::TcpListener, sync::watch};

/// How long requests that are under way at a stop may take; live views end at once.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Serves the forum on `listener` until `shutdown` resolves, then ends live views and lets open requests finish.
///
/// # Errors
/// [`Error`] when the data directory or its database cannot be opened, or when accepting connections fails.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let store = Store::open(&settings.data_dir)?;
    let (stop, stopping) = watch::channel(false);
    let router = http::router(settings, store, stopping.clone());

    let mut stopped = stopping.clone();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
        // An error says that the sender is gone, which is a stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let overdue = async {
        shutdown.await;
        tracing::info!("stopping");
        stop.send_replace(true);
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        served = serve => served.map_err(Error::Serve),
        () = overdue => {
            tracing::warn!("requests still open after {} s are cut off", STOP_GRACE.as_secs());
            Ok(())
        }
    }
}
