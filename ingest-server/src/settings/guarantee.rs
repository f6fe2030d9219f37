//! What an answer promises (`kafka.guarantee`), with what must be said beside it, and what must not.
//! Which of librdkafka's properties contradict it is known to delivery.

use super::value::non_empty;
use super::{Origin, Problem, Reader};
use footfall_delivery::{Guarantee, GuaranteeName as Name};

impl Reader<'_> {
    /// The guarantee, where all that is said of it fits together.
    pub(super) fn guarantee(&mut self) -> Option<Guarantee> {
        let named = self.one("kafka.guarantee", str::parse)?;
        let fits = self.acks(named);
        let id = self.one("kafka.transactional_id", non_empty);
        if named != Name::ExactlyOnce {
            if let Some(said) = self.sources.get("kafka.transactional_id") {
                let message = format!(
                    "is set, but kafka.guarantee is {}, which has no transactions: set it to exactly-once, or leave this out",
                    named.as_str()
                );
                self.problems.push(Problem::new(said.origin, message));
                return None;
            }
            fits?;
            return Some(match named {
                Name::AtMostOnce => Guarantee::AtMostOnce,
                _ => Guarantee::AtLeastOnce,
            });
        }
        // What is wrong with a name that was said is told where it is read.
        let instance = self.sources.get("server.instance").map(|said| said.values.concat());
        let Some(transactional_id) = id.or_else(|| instance.map(|name| format!("footfall-{name}"))) else {
            if let Some(said) = self.sources.get("kafka.guarantee") {
                let message = "is exactly-once, which needs a name for this server that no other one has: set \
                               kafka.transactional_id or server.instance";
                self.problems.push(Problem::new(said.origin, message));
            }
            return None;
        };
        fits?;
        Some(Guarantee::ExactlyOnce { transactional_id })
    }

    /// `kafka.acks` follows the guarantee; it is there for whoever looks for it.
    fn acks(&mut self, named: Name) -> Option<()> {
        let said = self.sources.get("kafka.acks")?;
        let text = said.values.last().map_or("", String::as_str);
        let wrong = match (text, named) {
            _ if matches!(said.origin, Origin::Default(_)) => return Some(()),
            ("all" | "-1", Name::AtLeastOnce | Name::ExactlyOnce) | ("1", Name::AtMostOnce) => {
                return Some(());
            }
            (_, Name::AtMostOnce) => {
                "it must be 1, or left out: with kafka.guarantee at-most-once only the leader has an event"
                    .to_owned()
            }
            _ => format!(
                "it must be all: with kafka.guarantee {} an event is acknowledged only when every in-sync replica has it",
                named.as_str()
            ),
        };
        self.problems.push(Problem::new(said.origin, format!("is {text:?}; {wrong}")));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn guarantee(table: &str) -> Result<Guarantee, Vec<String>> {
        let file = format!("write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n{table}\n");
        resolve(&[], &[], Some(&file)).map(|settings| settings.delivery.kafka.unwrap().guarantee)
    }

    #[test]
    fn a_guarantee_is_read_by_its_name_and_a_server_has_a_transactional_id_of_its_own() {
        assert_eq!(guarantee(""), Ok(Guarantee::AtLeastOnce));
        assert_eq!(guarantee("acks = 'all'\nguarantee = 'at-least-once'"), Ok(Guarantee::AtLeastOnce));
        assert_eq!(guarantee("guarantee = 'at-most-once'"), Ok(Guarantee::AtMostOnce));
        assert_eq!(guarantee("acks = 1\nguarantee = 'at-most-once'"), Ok(Guarantee::AtMostOnce));
        let exactly = |id: &str| Ok(Guarantee::ExactlyOnce { transactional_id: id.to_owned() });
        let table = "guarantee = 'exactly-once'\n[server]\ninstance = 'edge-1'";
        assert_eq!(guarantee(table), exactly("footfall-edge-1"));
        let table = "guarantee = 'exactly-once'\ntransactional_id = 'ours'\n[server]\ninstance = 'edge-1'";
        assert_eq!(guarantee(table), exactly("ours"));
    }

    #[test]
    fn what_clashes_with_the_guarantee_is_told_by_its_setting() {
        for (table, right) in [
            (
                "guarantee = 'twice'",
                "kafka.guarantee: is \"twice\"; it must be at-most-once, at-least-once or",
            ),
            ("guarantee = 'exactly-once'", "set kafka.transactional_id or server.instance"),
            (
                "guarantee = 'exactly-once'\ntransactional_id = 'a'\nacks = 1",
                "kafka.acks: is \"1\"; it must be all",
            ),
            ("guarantee = 'at-most-once'\nacks = 'all'", "kafka.acks: is \"all\"; it must be 1"),
            (
                "transactional_id = 'a'",
                "kafka.transactional_id: is set, but kafka.guarantee is at-least-once",
            ),
            (
                "guarantee = 'exactly-once'\ntransactional_id = 'a'\n[kafka.properties]\nretries = '0'",
                "kafka.properties.retries: kafka.guarantee is exactly-once, and without retries",
            ),
        ] {
            let told = guarantee(table).unwrap_err();
            assert!(told.iter().any(|told| told.contains(right)), "{table}: {told:?}");
        }
    }
}
