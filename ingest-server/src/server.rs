//! Runs the server from its settings to its end: opens what is durable, serves both addresses, stops cleanly.
//! Parsing and logging are the binary's part; a test calls `run` with listeners of its own.

use crate::edge::Edge;
use crate::format::RecordFormat;
use crate::format::registry::RegistryError;
use crate::http::{self, Front, Listener, Routes, Tls, Trusted, UnixSocket};
use crate::metrics::Metrics;
use crate::receipts::Receipts;
use crate::settings::Settings;
use crate::shared::SharedMemory;
use crate::stamp::place::{DatabaseError, Places, keep_fresh};
use footfall_delivery::{CloseOutcome, Delivery, OpenError};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Why the server could not start, or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An address could not be listened on.
    #[error("cannot listen on {address} ({setting}): {source}")]
    Listen {
        /// The setting.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The journal or the producer could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database of places could not be opened.
    #[error(transparent)]
    Places(#[from] DatabaseError),
    /// The schema has no id in its registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The Unix socket could not be made.
    #[error("cannot listen on {path} (unix.listen): {source}")]
    Unix {
        /// The path.
        path: std::path::PathBuf,
        /// What was in the way.
        source: http::UnixError,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] http::TlsError),
    /// A listener has no address.
    #[error("a listener has no address: {0}")]
    Address(std::io::Error),
    /// A thread of the server's own failed.
    #[error("the server failed while stopping: {0}")]
    Stop(#[from] tokio::task::JoinError),
    /// Time was up before everything in flight was durable; none of it had been acknowledged.
    #[error("the stop took longer than {0:?}; what was still in flight was not acknowledged")]
    Unfinished(Duration),
}

/// Where the server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For events and the SDK.
    pub public: TcpListener,
    /// For the same by TLS.
    pub tls: Option<TcpListener>,
    /// For the same from a proxy on this machine.
    pub unix: Option<UnixSocket>,
    /// For probes, metrics and the live view.
    pub admin: TcpListener,
}

impl Listeners {
    /// Listens wherever the settings say.
    ///
    /// # Errors
    /// [`RunError::Listen`] naming the address that is taken or not this machine's.
    pub async fn bind(settings: &Settings) -> Result<Self, RunError> {
        let tls = match &settings.tls {
            Some(tls) => Some(listen("tls.listen", tls.listen).await?),
            None => None,
        };
        let unix = settings.unix.as_ref().map(|unix| {
            http::listen_unix(unix).map_err(|source| RunError::Unix { path: unix.path.clone(), source })
        });
        Ok(Self {
            public: listen("listen", settings.listen).await?,
            tls,
            unix: unix.transpose()?,
            admin: listen("admin_listen", settings.admin_listen).await?,
        })
    }

    /// Tells the log where the server listens: the system has chosen the port where the settings say 0.
    fn tell(&self) -> Result<(), RunError> {
        let address = |listener: &TcpListener| listener.local_addr().map_err(RunError::Address);
        tracing::info!("listening on http://{} (events)", address(&self.public)?);
        if let Some(tls) = &self.tls {
            tracing::info!("listening on https://{} (events)", address(tls)?);
        }
        if let Some(unix) = &self.unix {
            tracing::info!("listening on unix:{} (events)", unix.path().display());
        }
        tracing::info!("listening on http://{} (admin)", address(&self.admin)?);
        Ok(())
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Listen { setting, address, source })
}

fn public_front(edge: &Arc<Edge>, settings: &Settings, finish_within: Duration) -> Front<impl Routes> {
    let routes = http::public(Arc::clone(edge));
    let proxies = settings.proxies.clone();
    let trusted: Trusted = Arc::new(move |peer| proxies.trusts(peer));
    Front::public(
        routes,
        settings.http,
        trusted,
        settings.proxy_protocol,
        finish_within,
        Arc::clone(&edge.metrics),
    )
}

/// What is shared with other servers, after one try to reach it.
async fn share(settings: &Settings, metrics: &Metrics) -> Option<Arc<SharedMemory>> {
    let redis = settings.redis.as_ref()?;
    // The journal's own time is that of a few fsyncs.
    let delivery_timeout =
        settings.delivery.kafka.as_ref().map_or(Duration::ZERO, |kafka| kafka.request_timeout);
    Some(SharedMemory::open(redis, delivery_timeout, metrics.redis.clone()).await)
}

/// Serves until `shutdown`, then finishes what is in flight within the settings' stop timeout.
///
/// # Errors
/// [`RunError`] where nothing could be served, or where the stop took too long.
pub async fn run(
    listeners: Listeners,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    let metrics = if settings.redis.is_some() { Metrics::with_redis() } else { Metrics::default() };
    let metrics = Arc::new(metrics);
    // Before anything durable is opened: a wrong file stops the boot.
    let places = Arc::new(Places::open(&settings.geo, &metrics)?);
    let tls = settings.tls.as_ref().map(Tls::open).transpose()?;
    tokio::pin!(shutdown);
    let format = tokio::select! {
        format = RecordFormat::open(&settings) => format?,
        // It may take its time, and who stops meanwhile has nothing to wait for.
        () = &mut shutdown => return Ok(()),
    };
    let delivery = Delivery::open(settings.delivery.clone())?;
    format.keep();
    match &settings.delivery.kafka {
        Some(kafka) => {
            tracing::info!("producing to Kafka at {}, topic {}", kafka.brokers.join(","), kafka.topic)
        }
        None => tracing::info!("storing in the journal in {}", settings.delivery.data_dir.display()),
    }
    let journal = settings.delivery.kafka.is_none();
    let receipts = Receipts::open(&settings.delivery.data_dir, settings.receipts_max_bytes, journal);
    let shared = share(&settings, &metrics).await;
    let sharing = shared.clone().map(|shared| tokio::spawn(shared.keep()));
    let edge = Edge::new(
        &settings,
        delivery.clone(),
        format,
        receipts,
        Arc::clone(&places),
        shared.clone(),
        Arc::clone(&metrics),
    );
    if let Some(window) = settings.event_ids_rebuild {
        let (ids, delivery) = (edge.event_ids.clone(), settings.delivery.clone());
        tokio::task::spawn_blocking(move || ids.rebuild(&delivery, window)).await?;
    }
    let edge = Arc::new(edge);
    let refreshing = tokio::spawn(keep_fresh(places, settings.geo.check_interval, metrics));
    let (stop, stopping) = watch::channel(false);
    listeners.tell()?;
    // Half of the time is for connections; whoever dribbles a request through all of it holds up no stop.
    let finish_within = settings.stop_timeout / 2;
    let routes = http::admin(Arc::clone(&edge), settings.admin_token.clone(), stopping.clone());
    let front = Front::admin(routes, settings.http, Arc::clone(&edge.metrics));
    let admin = Listener::Tcp(listeners.admin);
    // It is told of no stop: who probes meanwhile hears that the server is stopping, until nothing is left to say. Where
    // this returns early, it ends with the channel that is dropped.
    let (_told_of_no_stop, unending) = watch::channel(false);
    let answering_operator = tokio::spawn(http::serve(admin, None, Arc::new(front), unending));
    let mut serving = JoinSet::new();
    let front = Arc::new(public_front(&edge, &settings, finish_within));
    serving.spawn(http::serve(Listener::Tcp(listeners.public), None, Arc::clone(&front), stopping.clone()));
    if let Some(unix) = listeners.unix {
        serving.spawn(http::serve(Listener::Unix(unix), None, Arc::clone(&front), stopping.clone()));
    }
    if let (Some(listener), Some(tls)) = (listeners.tls, tls) {
        let freshness = tls.clone().keep_fresh(Arc::clone(&edge.metrics), stopping.clone());
        serving.spawn(async {
            if let Err(error) = freshness.await {
                tracing::error!(%error, "a new certificate is only taken over by a restart");
            }
        });
        serving.spawn(http::serve(Listener::Tcp(listener), Some(tls), front, stopping));
    }
    shutdown.await;
    refreshing.abort();

    tracing::info!("stopping: finishing what is in flight, at most {:?}", settings.stop_timeout);
    let deadline = Instant::now() + settings.stop_timeout;
    stop.send_replace(true);
    // Whoever was taken before the connections are cut is answered in time where brokers are silent: by the journal.
    delivery.hurry(settings.stop_timeout / 8);
    // A quarter of the time is kept for what delivery has in its hands.
    let answered_by = deadline - settings.stop_timeout / 4;
    let served = tokio::time::timeout_at(answered_by.into(), async {
        let mut served = Ok(());
        while let Some(ended) = serving.join_next().await {
            served = served.and(ended);
        }
        edge.requests.close();
        edge.requests.wait().await;
        if let Some(shared) = shared {
            shared.close().await;
        }
        served
    });
    let in_time = match served.await {
        Ok(served) => {
            served?;
            true
        }
        Err(_) => false,
    };
    if let Some(sharing) = sharing {
        sharing.abort();
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let closed = tokio::task::spawn_blocking(move || delivery.close(left)).await?;
    answering_operator.abort();
    // That it was aborted is no news; once it has ended, nobody can connect.
    let _ = answering_operator.await;
    if in_time && closed == CloseOutcome::Drained {
        edge.receipts.close();
        tracing::info!("stopped: everything acknowledged is durable");
        return Ok(());
    }
    Err(RunError::Unfinished(settings.stop_timeout))
}
