//! What connections are counted by: how many were ended by the server and why, and how long the certificate lasts.
//! The names are prefixed and written with all the others, in `metrics`.

use super::from_zero;
use crate::http::Reason;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a connection was ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    reason: &'static str,
}

/// What became of a certificate that changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    result: &'static str,
}

/// The metrics of the transport.
#[derive(Debug, Default)]
pub struct TransportMetrics {
    ends: Family<EndLabels, Counter>,
    certificates: Family<CertificateLabels, Counter>,
    certificate_end: Gauge,
    /// Panics that cost a request its answer.
    pub panics: Counter,
}

impl TransportMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Connections that the server ended or did not take, by reason";
        registry.register("connections_ended", help, metrics.ends.clone());
        from_zero(&metrics.ends, Reason::ALL.map(|reason| EndLabels { reason: reason.label() }));
        let help = "Changed certificates that were taken over or refused";
        registry.register("tls_certificates", help, metrics.certificates.clone());
        from_zero(&metrics.certificates, ["taken", "refused"].map(|result| CertificateLabels { result }));
        let help = "When the certificate expires, in Unix time; 0 without TLS";
        registry.register_with_unit(
            "tls_certificate_expires",
            help,
            Unit::Seconds,
            metrics.certificate_end.clone(),
        );
        let help = "Panics, each of which cost one request an answer of 500; each is a defect";
        registry.register("panics", help, metrics.panics.clone());
        metrics
    }

    /// Counts a connection that the server ended.
    pub fn count_end(&self, reason: Reason) {
        self.ends.get_or_create(&EndLabels { reason: reason.label() }).inc();
    }

    /// Counts a certificate that was `taken` or `refused`.
    pub fn count_certificate(&self, result: &'static str) {
        self.certificates.get_or_create(&CertificateLabels { result }).inc();
    }

    /// Keeps when the certificate ends.
    pub fn set_certificate_end(&self, end: Option<SystemTime>) {
        let seconds = end.and_then(|end| end.duration_since(UNIX_EPOCH).ok()).map_or(0, |end| end.as_secs());
        self.certificate_end.set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }
}
