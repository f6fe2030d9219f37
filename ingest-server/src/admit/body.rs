//! Reads a request's body within three bounds: its own size, the memory of all bodies together, and a time.
//! What the bytes mean is not looked at here.

use crate::refusal::Refused;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use footfall_event_model::limits::BATCH_BYTES;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The unit of the budget: a semaphore counts up to 2^29 permits on 32-bit machines, bytes would be too many.
const PAGE: usize = 1024;

/// How long a body may come slower than the least rate, and that rate in bytes a second. A phone at the edge of a
/// network sends some ten times as fast.
const GRACE: Duration = Duration::from_secs(3);
const LEAST_RATE: u64 = 512;

/// The memory that all bodies together may take while they are read and judged.
#[derive(Debug, Clone)]
pub struct BodyBudget {
    max_pages: usize,
    pages: Arc<Semaphore>,
    timeout: Duration,
}

impl BodyBudget {
    /// A budget of `max_bytes` for all bodies, each of which may take `timeout` to arrive.
    pub fn new(max_bytes: usize, timeout: Duration) -> Self {
        let max_pages = max_bytes / PAGE;
        Self { max_pages, pages: Arc::new(Semaphore::new(max_pages)), timeout }
    }

    /// Bytes that are set aside now, and how many may be.
    pub fn used(&self) -> (usize, usize) {
        ((self.max_pages - self.pages.available_permits()) * PAGE, self.max_pages * PAGE)
    }

    /// Sets aside room for that many bytes; given back when the permit is dropped.
    fn set_aside(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let pages = bytes.div_ceil(PAGE) as u32;
        Arc::clone(&self.pages).try_acquire_many_owned(pages).map_err(|_| Refused::Overloaded)
    }
}

/// Reads a body. The permit goes with the bytes and must live as long as they do.
///
/// Room is set aside as the bytes come, at most twice what is there, and not by what is declared: a sender who declares
/// much and sends nothing holds nobody up.
///
/// # Errors
/// [`Refused`] where the body is too large, too slow or broken, or where there is no memory for it now.
pub async fn read(
    budget: &BodyBudget,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refused> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > BATCH_BYTES) {
        return Err(Refused::BodyTooLarge);
    }
    collect(budget, Limited::new(body, BATCH_BYTES), declared.unwrap_or_default()).await
}

async fn collect(
    budget: &BodyBudget,
    mut body: Limited<Body>,
    declared: usize,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refused> {
    let (mut bytes, mut permit, mut room) = (Vec::new(), budget.set_aside(0)?, 0);
    let begun = Instant::now();
    loop {
        // Whoever dribbles a byte now and then has as little time as whoever sends nothing.
        let patience =
            budget.timeout.min(GRACE + Duration::from_millis(bytes.len() as u64 * 1000 / LEAST_RATE));
        let frame = timeout_at(begun + patience, body.frame()).await;
        let Some(frame) = frame.map_err(|_| Refused::BodyTimeout(patience))? else { break };
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refused::BodyTooLarge
            } else {
                Refused::BodyBroken(error.to_string())
            }
        })?;
        let Some(data) = frame.data_ref() else { continue };
        let needed = bytes.len() + data.len();
        if needed > room {
            // As the vector grows, so that a body in a thousand pieces is not counted a thousand times.
            // With half of it here there is room for all that is declared: most bodies grow once.
            let has_half = (needed..=2 * needed).contains(&declared);
            let grown = if has_half { declared } else { needed.next_power_of_two() };
            let more = grown.clamp(PAGE, BATCH_BYTES) - room;
            permit.merge(budget.set_aside(more)?);
            room += more;
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(data);
    }
    Ok((bytes, permit))
}
