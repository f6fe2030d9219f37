//! The log's lines about refused requests: at most one for each, at most ten a second, and how many were left out.
//! A sender's body is not repeated there, nor its address.

use super::Refused;
use crate::log::Sample;

/// Writes the lines.
#[derive(Debug, Default)]
pub struct RefusalLog(Sample);

impl RefusalLog {
    /// Writes a line about a refused request, or counts it among those that were left out.
    pub fn note(&self, request_id: &str, refused: &Refused) {
        let Some(left_out) = self.0.line() else { return };
        let code = refused.code();
        // What is wrong with a body can repeat parts of it.
        match refused {
            Refused::Batch(_) | Refused::NotEncoded { .. } => {
                tracing::info!(request_id, code, left_out, "refused a request");
            }
            _ => tracing::info!(request_id, code, left_out, reason = %refused, "refused a request"),
        }
    }
}
