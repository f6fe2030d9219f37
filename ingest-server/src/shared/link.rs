//! The link to Redis as requests see it: there, or away. A command that gets no answer in time, or an answer that tells of
//! a Redis that cannot work, makes it away at once, so that no other request waits; `keeper` brings it back.

use super::Away;
use super::connection::Connection;
use super::scripts::Command;
use crate::log::Sample;
use crate::metrics::RedisMetrics;
use crate::settings::{OnFailure, RedisSettings};
use redis::{ErrorKind, FromRedisValue, RedisError, ScriptInvocation, ServerErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// Commands that may wait for an answer at once; one more is taken to be without Redis.
const IN_FLIGHT: usize = 1024;

/// The link.
#[derive(Debug)]
pub(super) struct Link {
    /// Where Redis is, for the log.
    address: String,
    timeout: Duration,
    on_failure: OnFailure,
    permits: Semaphore,
    state: RwLock<State>,
    /// Wakes the keeper when the link is lost.
    pub(super) lost: Notify,
    /// Counts connections.
    connections: AtomicU64,
    odd_answers: Sample,
    metrics: RedisMetrics,
}

#[derive(Debug)]
enum State {
    Up(Up),
    Away { since: Instant, is_told: bool },
}

#[derive(Debug, Clone)]
struct Up {
    /// Which connection it is, so that an old one's end is not taken for this one's.
    number: u64,
    connection: Connection,
    facts: Facts,
}

/// What Redis told when it was probed.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// What addresses are hashed with.
    pub(super) salt: Arc<str>,
    /// How long before `at` data may have been lost for the last time.
    pub(super) since_loss: Duration,
    pub(super) at: Instant,
}

impl Link {
    pub(super) fn new(settings: &RedisSettings, metrics: RedisMetrics) -> Self {
        metrics.set_connected(false);
        Self {
            address: settings.server.addr().to_string(),
            timeout: settings.timeout,
            on_failure: settings.on_failure,
            permits: Semaphore::new(IN_FLIGHT),
            state: RwLock::new(State::Away { since: Instant::now(), is_told: false }),
            lost: Notify::new(),
            connections: AtomicU64::new(0),
            odd_answers: Sample::default(),
            metrics,
        }
    }

    /// Whether Redis is there.
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.read(), State::Up(_))
    }

    /// What it last told of itself, while it is there.
    pub(super) fn facts(&self) -> Option<Facts> {
        match &*self.read() {
            State::Up(up) => Some(up.facts.clone()),
            State::Away { .. } => None,
        }
    }

    /// The connection and its number, while Redis is there.
    pub(super) fn connection(&self) -> Option<(u64, Connection)> {
        match &*self.read() {
            State::Up(up) => Some((up.number, up.connection.clone())),
            State::Away { .. } => None,
        }
    }

    /// Has a script carried out, within the time that a command may take.
    ///
    /// # Errors
    /// [`Away`], which the log and the metrics tell the cause of.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        command: &'static Command,
        fill: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, Away> {
        let up = match &*self.read() {
            State::Up(up) => Ok(up.clone()),
            State::Away { .. } => Err("away"),
        };
        let (mut up, _permit) =
            match up.and_then(|up| Ok((up, self.permits.try_acquire().map_err(|_| "busy")?))) {
                Ok(ready) => ready,
                Err(result) => {
                    self.metrics.count(command, result);
                    return Err(Away { asked: false });
                }
            };
        let mut call = command.script.prepare_invoke();
        fill(&mut call);
        let began = Instant::now();
        match timeout(self.timeout, call.invoke_async(&mut up.connection)).await {
            Ok(Ok(answer)) => {
                self.metrics.count(command, "ok");
                self.metrics.observe(began.elapsed());
                return Ok(answer);
            }
            Ok(Err(error)) => {
                self.metrics.count(command, "error");
                if is_of_this_command(&error) {
                    if let Some(left_out) = self.odd_answers.line() {
                        tracing::warn!(%error, command = command.name, left_out, "Redis refused a command");
                    }
                } else {
                    self.lose(Some(up.number), &error.to_string());
                }
            }
            Err(_) => {
                self.metrics.count(command, "timeout");
                self.lose(Some(up.number), &format!("no answer within {:?}", self.timeout));
            }
        }
        Err(Away { asked: true })
    }

    /// Redis is there.
    pub(super) fn found(&self, connection: Connection, facts: Facts) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let (mut state, address) = (self.write(), &self.address);
        match &*state {
            State::Away { since, is_told: true } => {
                let seconds = since.elapsed().as_secs_f32();
                tracing::info!(address, seconds, "Redis is back");
            }
            _ => tracing::info!(address, "sharing with other servers through Redis"),
        }
        *state = State::Up(Up { number, connection, facts });
        self.metrics.set_connected(true);
    }

    /// Takes over what a later probe told of the same connection.
    pub(super) fn renew(&self, number: u64, facts: Facts) {
        if let State::Up(up) = &mut *self.write()
            && up.number == number
        {
            up.facts = facts;
        }
    }

    /// Redis is away: a connection of that number failed, or none could be made. It is told once.
    pub(super) fn lose(&self, number: Option<u64>, reason: &str) {
        let mut state = self.write();
        match &*state {
            State::Up(up) if Some(up.number) != number => return,
            State::Away { is_told: true, .. } => return,
            _ => {}
        }
        let meanwhile = match self.on_failure {
            OnFailure::Open => "until it is back, this server counts and knows for itself",
            OnFailure::Closed => "until it is back, what needs it is refused",
        };
        tracing::warn!(address = self.address, reason, "Redis is away; {meanwhile}");
        *state = State::Away { since: Instant::now(), is_told: true };
        self.metrics.set_connected(false);
        self.lost.notify_one();
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says nothing of other commands: somebody else's data under a key of ours, say.
pub(super) fn is_of_this_command(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => {
            matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::CrossSlot)
        }
        ErrorKind::Extension => error.code() == Some("WRONGTYPE"),
        ErrorKind::UnexpectedReturnType => true,
        _ => false,
    }
}
