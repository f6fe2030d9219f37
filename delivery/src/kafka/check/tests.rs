use super::super::guarantee::Guarantee;
use super::*;

fn refused(change: impl FnOnce(&mut KafkaSettings)) -> String {
    let mut settings = KafkaSettings::new(["localhost:9092"]);
    let told = |settings: &KafkaSettings| {
        let mut wrong = Vec::new();
        settings.check(64 << 20, &mut wrong);
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(&settings), Vec::<String>::new());
    change(&mut settings);
    let [one] = told(&settings).try_into().unwrap();
    one
}

#[test]
fn a_wrong_setting_is_refused_with_its_name_and_what_would_be_right() {
    let cases = [
        (refused(|s| s.brokers.clear()), "kafka.brokers", "host:port"),
        (refused(|s| s.brokers = vec!["kafka".into()]), "kafka.brokers", "`kafka`"),
        (refused(|s| s.brokers = vec!["a:1,b:2".into()]), "kafka.brokers", "host:port"),
        (refused(|s| s.brokers = vec!["kafka:0".into()]), "kafka.brokers", "host:port"),
        (refused(|s| s.topic = "my topic".into()), "kafka.topic", "249"),
        (refused(|s| s.topic = "..".into()), "kafka.topic", "249"),
        (refused(|s| s.dead_letter_topic = Some("a b".into())), "kafka.dead_letter_topic", "249"),
        (refused(|s| s.dead_letter_topic = Some(s.topic.clone())), "kafka.dead_letter_topic", "of their own"),
        (refused(|s| s.request_timeout = Duration::ZERO), "kafka.request_timeout", "300 s"),
        (refused(|s| s.linger = Duration::from_secs(9)), "kafka.linger", "a quarter"),
        (refused(|s| s.linger = Duration::from_secs(1)), "kafka.linger", "kafka.slow_after"),
        (refused(|s| s.linger = Duration::MAX), "kafka.linger", "a quarter"),
        (refused(|s| s.slow_after = Duration::ZERO), "kafka.slow_after", "100 ms"),
        (refused(|s| s.slow_after = Duration::from_secs(61)), "kafka.slow_after", "60 s"),
        (refused(|s| drop(s.properties.insert("client.rak".into(), "a".into()))), "client.rak", "No such"),
        (refused(|s| drop(s.properties.insert("acks".into(), "1".into()))), "acks", "in-sync"),
    ];
    for (message, setting, right) in cases {
        assert!(message.contains(setting) && message.contains(right), "{message}");
    }
}

#[test]
fn a_property_that_would_break_a_promise_is_refused_by_name() {
    let cases = [
        ("delivery.report.only.error", "true", "acknowledged"),
        ("queuing.strategy", "lifo", "order"),
        ("enable.gapless.guarantee", "true", "fail alone"),
    ];
    for (name, value, reason) in cases {
        let message = refused(|s| drop(s.properties.insert(name.into(), value.into())));
        assert!(message.contains(&format!("kafka.properties.{name}`")), "{message}");
        assert!(message.contains("it is fixed") && message.contains(reason), "{message}");
    }
    let mut settings = KafkaSettings::new(["localhost:9092"]);
    settings.properties.insert("allow.auto.create.topics".into(), "false".into());
    let mut wrong = Vec::new();
    settings.check(64 << 20, &mut wrong);
    assert_eq!(wrong, []);
}

#[test]
fn a_property_that_clashes_with_the_guarantee_is_refused_with_its_name() {
    let exactly = || Guarantee::ExactlyOnce { transactional_id: "footfall-1".to_owned() };
    let cases = [
        (Guarantee::AtLeastOnce, "acks", "1", "at-least-once: an event is acknowledged only"),
        (Guarantee::AtLeastOnce, "transactional.id", "f", "set it to exactly-once"),
        (Guarantee::AtLeastOnce, "retries", "0", "without retries"),
        (Guarantee::AtLeastOnce, "max.in.flight", "6", "at most 5"),
        (exactly(), "enable.idempotence", "false", "which is exactly-once"),
        (exactly(), "request.required.acks", "1", "which is exactly-once"),
        (exactly(), "transactional.id", "f", "kafka.transactional_id"),
        (exactly(), "transaction.timeout.ms", "1000", "fixed at 60s"),
        (exactly(), "isolation.level", "read_uncommitted", "what was aborted"),
        (Guarantee::AtMostOnce, "acks", "all", "choose at-least-once"),
        (Guarantee::AtMostOnce, "message.send.max.retries", "3", "sent once"),
    ];
    for (guarantee, name, value, right) in cases {
        let told = refused(|settings| {
            settings.guarantee = guarantee;
            settings.properties.insert(name.into(), value.into());
        });
        assert!(told.contains(&format!("kafka.properties.{name}")) && told.contains(right), "{told}");
    }
    let told = refused(|s| s.guarantee = Guarantee::ExactlyOnce { transactional_id: String::new() });
    assert!(told.contains("kafka.transactional_id") && told.contains("249"), "{told}");
    for guarantee in [Guarantee::AtMostOnce, Guarantee::AtLeastOnce, exactly()] {
        let mut settings = KafkaSettings { guarantee, ..KafkaSettings::new(["localhost:9092"]) };
        settings.properties.insert("max.in.flight".into(), "5".into());
        let mut wrong = Vec::new();
        settings.check(64 << 20, &mut wrong);
        assert_eq!(wrong, []);
    }
}

#[test]
fn a_wrong_value_is_refused_without_being_shown() {
    let cases = [
        ("security.protocol", "hunter2", "librdkafka takes"),
        ("debug", "broker,hunter2", "librdkafka takes"),
        ("socket.timeout.ms", "hunter2", "librdkafka takes"),
        ("socket.timeout.ms", "7", "10..300000"),
    ];
    for (name, value, reason) in cases {
        let message = refused(|s| drop(s.properties.insert(name.into(), value.into())));
        assert!(message.contains(&format!("kafka.properties.{name}`")), "{message}");
        assert!(message.contains(reason) && !message.contains("hunter2"), "{message}");
        assert!(!message.contains("value 7"), "{message}");
    }
}
