//! What a topic's configuration comes to for these settings: replication against the guarantee, sizes, what is kept.
//! Pure: the brokers are asked elsewhere.

use super::Finding;
use crate::kafka::guarantee::Guarantee;

/// What the brokers say of a topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    /// Of the partition that has the fewest.
    pub(super) replicas: usize,
    /// Brokers of the cluster.
    pub(super) brokers: usize,
    pub(super) min_in_sync: usize,
    /// The largest batch that is taken, where that is known.
    pub(super) max_bytes: Option<usize>,
    pub(super) cleanup_policy: Option<&'a str>,
}

impl Described<'_> {
    /// What is not as it should be.
    pub(super) fn judged(&self, guarantee: &Guarantee, record_max_bytes: usize) -> Vec<Finding> {
        let Self { name, max_bytes, .. } = self;
        let mut findings = Vec::new();
        match guarantee {
            Guarantee::AtMostOnce => findings.extend(self.acknowledged_by_one()),
            Guarantee::AtLeastOnce | Guarantee::ExactlyOnce { .. } => {
                findings.extend(self.acknowledged_by_all());
            }
        }
        if let Some(bytes) = max_bytes.filter(|bytes| *bytes < record_max_bytes) {
            findings.push(Finding::wrong(format!(
                "the topic `{name}` takes batches of at most {bytes} bytes, and a record can have {record_max_bytes}: \
                 larger events would become dead letters; raise its max.message.bytes"
            )));
        }
        if self.cleanup_policy.is_some_and(|policy| policy.contains("compact")) {
            findings.push(Finding::wrong(format!(
                "the topic `{name}` is compacted: of the events of a key it would keep the last one alone, and it \
                 takes none without a key; set its cleanup.policy to delete"
            )));
        }
        findings
    }

    /// acks=all waits for the replicas that are in sync, and for `min.insync.replicas` at least.
    fn acknowledged_by_all(&self) -> Option<Finding> {
        let Self { name, replicas, min_in_sync, .. } = self;
        if *replicas == 1 {
            return Some(self.on_one_broker("acknowledged events are lost"));
        }
        if *min_in_sync == 1 {
            return Some(Finding::doubtful(format!(
                "the topic `{name}` has min.insync.replicas 1: an event may be acknowledged by one broker alone, and lost with \
                 it; with {replicas} replicas 2 is usual"
            )));
        }
        // Brokers take no more than the replicas for the minimum.
        (min_in_sync >= replicas).then(|| {
            Finding::doubtful(format!(
                "the topic `{name}` has min.insync.replicas {min_in_sync} of {replicas} replicas: as soon as one broker is \
                 away, events go to the journal; one less than the replicas is usual"
            ))
        })
    }

    /// acks=1, as at-most-once has it: the leader answers alone, and `min.insync.replicas` is not looked at.
    fn acknowledged_by_one(&self) -> Option<Finding> {
        let Self { name, replicas, min_in_sync, .. } = self;
        if *replicas == 1 {
            return Some(self.on_one_broker("its events are lost"));
        }
        (*min_in_sync > 1).then(|| {
            Finding::doubtful(format!(
                "the topic `{name}` has min.insync.replicas {min_in_sync}, which counts for acks=all alone: at-most-once has \
                 acks=1, so that the leader of a partition acknowledges by itself, and what it has not passed on is lost with \
                 it; for more, set kafka.guarantee to at-least-once"
            ))
        })
    }

    fn on_one_broker(&self, loss: &str) -> Finding {
        let more = if self.brokers > 1 { "; give it 3 replicas" } else { "" };
        Finding::doubtful(format!("the topic `{}` is on one broker: with its disk, {loss}{more}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::inspect::Weight;

    fn topic(replicas: usize, min_in_sync: usize) -> Described<'static> {
        Described {
            name: "t",
            replicas,
            brokers: 3,
            min_in_sync,
            max_bytes: None,
            cleanup_policy: Some("delete"),
        }
    }

    /// The one finding, or that there is none.
    fn said(topic: &Described<'_>, guarantee: &Guarantee) -> Option<(Weight, String)> {
        let mut findings = topic.judged(guarantee, 100_000);
        assert!(findings.len() <= 1, "{findings:?}");
        findings.pop().map(|finding| (finding.weight, finding.words))
    }

    fn expect(topic: &Described<'_>, guarantee: &Guarantee, weight: Weight, words: &str) {
        let (found, said) = said(topic, guarantee).unwrap_or_else(|| panic!("nothing is said of {topic:?}"));
        assert!(found == weight && said.contains(words), "{found:?}: {said}");
    }

    fn exactly_once() -> Guarantee {
        Guarantee::ExactlyOnce { transactional_id: "id".to_owned() }
    }

    #[test]
    fn two_of_three_replicas_in_sync_is_as_it_should_be() {
        for guarantee in [Guarantee::AtLeastOnce, exactly_once()] {
            assert_eq!(said(&topic(3, 2), &guarantee), None);
        }
    }

    #[test]
    fn with_acks_of_all_replication_is_held_against_what_an_acknowledgement_means() {
        for guarantee in [Guarantee::AtLeastOnce, exactly_once()] {
            let doubtful = |topic, words| expect(&topic, &guarantee, Weight::Doubtful, words);
            doubtful(
                topic(1, 1),
                "on one broker: with its disk, acknowledged events are lost; give it 3 replicas",
            );
            doubtful(
                topic(3, 1),
                "acknowledged by one broker alone, and lost with it; with 3 replicas 2 is usual",
            );
            doubtful(topic(3, 3), "min.insync.replicas 3 of 3 replicas: as soon as one broker is away");
            doubtful(topic(2, 2), "min.insync.replicas 2 of 2 replicas");
            doubtful(topic(2, 3), "min.insync.replicas 3 of 2 replicas: as soon as one broker is away");
            doubtful(topic(1, 2), "on one broker");
        }
    }

    #[test]
    fn one_broker_of_a_cluster_of_one_is_not_told_to_replicate() {
        let (_, said) = said(&Described { brokers: 1, ..topic(1, 1) }, &Guarantee::AtLeastOnce).unwrap();
        assert!(said.ends_with("acknowledged events are lost"), "{said}");
    }

    #[test]
    fn with_acks_of_one_more_in_sync_promises_nothing() {
        let guarantee = Guarantee::AtMostOnce;
        assert_eq!(said(&topic(3, 1), &guarantee), None, "as at-most-once says");
        expect(
            &topic(3, 2),
            &guarantee,
            Weight::Doubtful,
            "counts for acks=all alone: at-most-once has acks=1",
        );
        expect(&topic(3, 3), &guarantee, Weight::Doubtful, "what it has not passed on is lost");
        expect(
            &topic(1, 1),
            &guarantee,
            Weight::Doubtful,
            "on one broker: with its disk, its events are lost",
        );
    }

    #[test]
    fn batches_that_are_too_small_and_compaction_are_wrong_whatever_is_promised() {
        for guarantee in [Guarantee::AtMostOnce, Guarantee::AtLeastOnce] {
            let replicated = topic(3, if guarantee == Guarantee::AtMostOnce { 1 } else { 2 });
            let small = Described { max_bytes: Some(99_999), ..replicated };
            expect(&small, &guarantee, Weight::Wrong, "raise its max.message.bytes");
            assert_eq!(said(&Described { max_bytes: Some(100_000), ..replicated }, &guarantee), None);
            let compacted = Described { cleanup_policy: Some("compact,delete"), ..replicated };
            expect(&compacted, &guarantee, Weight::Wrong, "is compacted");
        }
    }
}
