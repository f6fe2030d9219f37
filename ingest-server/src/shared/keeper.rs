//! Keeps the link to Redis: connects, probes it each second, and after an outage tells it what happened meanwhile.
//! No request waits for anything here.

use super::SharedMemory;
use super::backlog::Untold;
use super::connection::{CONNECT, Connection};
use super::keys::random_salt;
use super::link::{Facts, is_of_this_command};
use super::scripts::{Command, PROBE};
use crate::jitter;
use redis::RedisError;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Between two probes of a Redis that answers. A server that lost it knows that it is back after twice that.
const PROBES: Duration = Duration::from_secs(1);
/// Between two attempts to reach it again: the first pause, which doubles, and the longest. Each may take twice as long,
/// so that several servers do not come at once.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(800)];
/// How long addresses have the same hashes.
const SALT_MS: u64 = 24 * 60 * 60 * 1000;
/// How long the state of Redis is kept where no server comes: as long as any id may be.
const STATE_MS: u64 = 48 * 60 * 60 * 1000;
/// What is told at once of what happened while Redis was away.
const TOLD_AT_ONCE: usize = 64;

/// Why Redis is away.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no connection within {:?}", CONNECT)]
    NoConnection,
    #[error("no answer within {0:?}")]
    NoAnswer(Duration),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl SharedMemory {
    /// Keeps the link for ever.
    pub async fn keep(self: Arc<Self>) {
        let [shortest, longest] = PAUSES;
        loop {
            let mut pause = shortest;
            while !self.link.is_up() {
                sleep(jitter::spread(pause)).await;
                pause = longest.min(pause * 2);
                self.connect().await;
            }
            tokio::select! {
                () = sleep(PROBES) => {}
                () = self.link.lost.notified() => continue,
            }
            self.look().await;
        }
    }

    /// Tries to reach Redis once.
    pub(super) async fn connect(&self) {
        if let Err(failure) = self.try_to_connect().await {
            self.link.lose(None, &failure.to_string());
        }
    }

    async fn try_to_connect(&self) -> Result<(), Failure> {
        let opened = timeout(CONNECT, Connection::open(&self.settings)).await;
        let mut connection = opened.map_err(|_| Failure::NoConnection)??;
        let facts = self.probe(&mut connection).await?;
        // What came while it was away is told before anybody asks.
        self.catch_up(&mut connection).await?;
        self.link.found(connection, facts);
        Ok(())
    }

    /// Probes a Redis that is there.
    async fn look(&self) {
        let Some((number, mut connection)) = self.link.connection() else { return };
        match self.probe(&mut connection).await {
            Ok(facts) => self.link.renew(number, facts),
            Err(failure) => return self.link.lose(Some(number), &failure.to_string()),
        }
        if let Err(failure) = self.catch_up(&mut connection).await {
            self.link.lose(Some(number), &failure.to_string());
        }
    }

    /// Asks Redis for what all servers must know, within the time that a request would wait.
    async fn probe(&self, connection: &mut Connection) -> Result<Facts, Failure> {
        let state = self.in_time(&PROBE, connection.state()).await?;
        let mut call = PROBE.script.prepare_invoke();
        call.key(self.keys.salt()).key(self.keys.state());
        call.arg(random_salt()).arg(SALT_MS).arg(STATE_MS).arg(state);
        let (salt, since_loss) = self.in_time(&PROBE, call.invoke_async(connection)).await?;
        let salt: String = salt;
        Ok(Facts { salt: salt.into(), since_loss: Duration::from_millis(since_loss), at: Instant::now() })
    }

    /// Tells what happened while Redis was away.
    async fn catch_up(&self, connection: &mut Connection) -> Result<(), Failure> {
        // What is added meanwhile has its turn later, so that this has an end.
        for _ in 0..self.backlog.len().div_ceil(TOLD_AT_ONCE) {
            let untold = self.backlog.take(TOLD_AT_ONCE);
            let told = untold.iter().map(|untold| {
                let mut connection = connection.clone();
                async move {
                    for at in 0..untold.calls() {
                        let mut call = untold.command().script.prepare_invoke();
                        untold.fill(at, &mut call);
                        self.in_time(untold.command(), call.invoke_async::<()>(&mut connection)).await?;
                    }
                    Ok(())
                }
            });
            let told = futures_util::future::join_all(told).await;
            let (mut again, mut cause) = (Vec::<Untold>::new(), None);
            for (untold, told) in untold.into_iter().zip(told) {
                match told {
                    Ok(()) => {}
                    // It would be refused again and again.
                    Err(Failure::Redis(error)) if is_of_this_command(&error) => {
                        tracing::warn!(%error, "Redis refused to be told of a batch");
                        self.metrics.lost.inc();
                    }
                    Err(failure) => {
                        again.push(untold);
                        cause = Some(failure);
                    }
                }
            }
            if let Some(failure) = cause {
                self.backlog.put_back(again);
                return Err(failure);
            }
        }
        Ok(())
    }

    /// The result of a command, if it comes in time.
    async fn in_time<T>(
        &self,
        command: &'static Command,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Failure> {
        let limit = self.settings.timeout;
        let result = match timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::Redis(error)),
            Err(_) => Err(Failure::NoAnswer(limit)),
        };
        self.metrics.count(
            command,
            match &result {
                Ok(_) => "ok",
                Err(Failure::Redis(_)) => "error",
                Err(_) => "timeout",
            },
        );
        result
    }
}
