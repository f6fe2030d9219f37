//! What an operator may write, and what the server says to it.

use super::*;

pub(super) fn resolve(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("footfall.toml");
    std::fs::write(&path, file.unwrap_or("")).unwrap();
    let mut given: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (key, value) in flags {
        given.entry(key).or_default().push((*value).to_owned());
    }
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut problems = Vec::new();
    let sources = Sources::gather(given, env, file.map(|_| path.as_path()), &mut problems);
    let settings = Settings::resolve(&sources, &mut problems);
    let place = format!("{}/", dir.path().display());
    settings.ok_or_else(|| problems.iter().map(|problem| problem.to_string().replace(&place, "")).collect())
}

#[test]
fn one_key_is_enough_and_the_rest_has_defaults() {
    let settings = resolve(&[("write_key", "pk_demo")], &[], None).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin_listen.to_string(), "127.0.0.1:8081");
    assert!(settings.delivery.kafka.is_none());
    assert_eq!(settings.delivery.memory_max_bytes, 64 << 20);
    assert_eq!(settings.address_policy, AddressPolicy::Truncate);
}

#[test]
fn one_processor_is_left_to_others_unless_the_number_of_threads_is_said() {
    let of = |said| {
        let settings = resolve(&[("write_key", "pk"), ("worker_threads", said)], &[], None);
        settings.map(|settings| settings.worker_threads)
    };
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(of("auto"), Ok((processors - 1).max(1)));
    assert_eq!(of("3"), Ok(3));
    for wrong in ["0", "1025", "-1", "all"] {
        assert_eq!(
            of(wrong).unwrap_err(),
            [format!("--worker-threads: is \"{wrong}\"; it must be auto, or a whole number from 1 to 1024")]
        );
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file =
        "listen = '127.0.0.1:1'\nadmin_listen = '127.0.0.1:2'\ndata_dir = 'file'\nwrite_key = 'pk_file'\n";
    let env = [("FOOTFALL_LISTEN", "127.0.0.1:3"), ("FOOTFALL_ADMIN_LISTEN", "127.0.0.1:4")];
    let settings = resolve(&[("listen", "127.0.0.1:5")], &env, Some(file)).unwrap();
    assert_eq!(settings.listen.port(), 5);
    assert_eq!(settings.admin_listen.port(), 4);
    assert_eq!(settings.delivery.data_dir, PathBuf::from("file"));
}

#[test]
fn lists_are_repeated_flags_commas_in_the_environment_and_lists_in_the_file() {
    let two = BTreeSet::from(["pk_a".to_owned(), "pk_b".to_owned()]);
    assert_eq!(resolve(&[("write_key", "pk_a"), ("write_key", "pk_b")], &[], None).unwrap().write_keys, two);
    assert_eq!(resolve(&[], &[("FOOTFALL_WRITE_KEY", "pk_a, pk_b")], None).unwrap().write_keys, two);
    assert_eq!(resolve(&[], &[], Some("write_key = ['pk_a', 'pk_b']")).unwrap().write_keys, two);
}

#[test]
fn kafka_properties_are_a_table_in_the_file() {
    let file = "write_key = 'pk'\n[kafka]\nbrokers = 'k:9092'\nproperties = { \"client.rack\" = 'a', 'retries' = 3 }\n";
    let kafka = resolve(&[], &[], Some(file)).unwrap().delivery.kafka.unwrap();
    assert_eq!(kafka.topic, "footfall.events");
    let expected = [("client.rack", "a"), ("retries", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(kafka.properties, BTreeMap::from(expected));
}

#[test]
fn everything_wrong_is_told_at_once_with_its_place() {
    let file = "listen = 'here'\ncolour = 1\n[kafka]\nbroker = 'k:9092'\ntopic = 'a b'\n";
    let told = resolve(&[("stop_timeout", "10")], &[("FOOTFALL_LISTENS", "x")], Some(file)).unwrap_err();
    for expected in [
        "footfall.toml:1:1 listen: is \"here\"; it must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
        "footfall.toml:4:1 kafka.broker: unknown key; did you mean kafka.brokers?",
        "FOOTFALL_LISTENS: unknown variable; did you mean FOOTFALL_LISTEN?",
        "--stop-timeout: is \"10\"; it must be a duration of at most a day with its unit, such as 10s or 5ms",
        "write_key: no write key is set; name at least one site, such as --write-key pk_demo",
    ] {
        assert!(told.contains(&expected.to_owned()), "{expected}\n is not in {told:#?}");
    }
    assert!(
        told.iter()
            .any(|problem| problem.starts_with("footfall.toml:2:1 colour: unknown key; known are listen"))
    );
}

#[test]
fn a_file_that_is_not_toml_is_told_with_line_and_column() {
    let told = resolve(&[("write_key", "pk")], &[], Some("listen = \n")).unwrap_err();
    assert!(told[0].starts_with("footfall.toml:1:"), "{told:?}");
    assert!(told[0].contains("is not TOML"), "{told:?}");
}

#[test]
fn contradictions_stop_the_boot() {
    let same = [("write_key", "pk"), ("listen", "127.0.0.1:1"), ("admin_listen", "127.0.0.1:1")];
    assert!(resolve(&same, &[], None).unwrap_err()[0].contains("give the admin address a port of its own"));
    let told = resolve(&[("write_key", "pk"), ("kafka.topic", "t")], &[], None).unwrap_err();
    assert_eq!(
        told,
        ["--kafka-topic: is set, but kafka.brokers is not: name the brokers, or leave this out"]
    );
}

#[test]
fn a_secret_in_a_broken_property_is_not_repeated() {
    let told =
        resolve(&[("write_key", "pk"), ("kafka.brokers", "k:1"), ("kafka.properties", "hunter2")], &[], None);
    assert!(!format!("{:?}", told.unwrap_err()).contains("hunter2"));
}

#[test]
fn what_delivery_finds_wrong_is_told_with_its_place() {
    let file = "write_key = 'pk'\n[kafka]\nbrokers = 'k'\ntopic = 'a b'\nlinger = '1m'\nproperties = {acks = '0', 'client.rak' = 'a'}\n";
    let told = resolve(&[("journal.max_bytes", "1KiB")], &[], Some(file)).unwrap_err();
    for expected in [
        "--journal-max-bytes: 1024 bytes is too small",
        "footfall.toml:3:1 kafka.brokers: `k` is no `host:port`",
        "footfall.toml:4:1 kafka.topic: `a b` is no topic name",
        "footfall.toml:5:1 kafka.linger: 60s leaves too little",
        "footfall.toml:6:1 kafka.properties: kafka.properties.acks: it follows kafka.guarantee",
    ] {
        assert!(told.iter().any(|problem| problem.starts_with(expected)), "{expected}\n is not in {told:#?}");
    }
    let file = "write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\nproperties = {'client.rak' = 'a'}\n";
    let told = resolve(&[], &[], Some(file)).unwrap_err();
    assert!(told[0].contains("client.rak") && told[0].contains("No such configuration property"), "{told:?}");
}

#[test]
fn an_empty_list_of_keys_is_no_key() {
    for (env, file) in [(&[("FOOTFALL_WRITE_KEY", "")][..], None), (&[], Some("write_key = []"))] {
        assert!(resolve(&[], env, file).unwrap_err()[0].contains("no write key is set"));
    }
}

#[test]
fn a_wait_has_a_longest_and_a_shortest() {
    for (key, value) in
        [("stop_timeout", "500000000years"), ("kafka.linger", "500000000years"), ("http.body_timeout", "0s")]
    {
        let told =
            resolve(&[("write_key", "pk"), ("kafka.brokers", "k:1"), (key, value)], &[], None).unwrap_err();
        assert!(told[0].contains("it must be"), "{told:?}");
    }
}

#[test]
fn a_variable_of_somebody_elses_does_not_stop_the_boot() {
    let env = [("FOOTFALL_SERVICE_HOST", "10.0.0.1"), ("FOOTFALL_PORT", "tcp://10.0.0.1:80")];
    assert!(resolve(&[("write_key", "pk")], &env, None).is_ok());
}

#[test]
fn a_propertys_dots_are_its_name_and_a_list_is_no_value() {
    let file = "write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n[kafka.properties]\nclient.rack = 'a'\n";
    let kafka = resolve(&[], &[], Some(file)).unwrap().delivery.kafka.unwrap();
    assert_eq!(kafka.properties["client.rack"], "a");
    let told = resolve(&[], &[], Some(&file.replace("'a'", "['a']"))).unwrap_err();
    assert_eq!(told, ["footfall.toml:5:8 kafka.properties.client.rack: must be one value"]);
}

#[test]
fn retention_is_told_by_age_and_by_a_size_or_a_share() {
    let of = |file: &str| {
        let journal = resolve(&[("write_key", "pk")], &[], Some(file)).unwrap().delivery.journal;
        (journal.retention_age.map(|age| age.as_secs()), journal.retention_bytes)
    };
    assert_eq!(of(""), (Some(7 * 86_400), Some((1 << 30) / 100 * 90)));
    let said = "[journal]\nmax_bytes = '10GiB'\nretention_age = '30d'\nretention_bytes = '50%'\n";
    assert_eq!(of(said), (Some(30 * 86_400), Some((10 << 30) / 100 * 50)));
    assert_eq!(of("[journal]\nretention_bytes = '2MiB'\n"), (Some(7 * 86_400), Some(2 << 20)));
    assert_eq!(of("[journal]\nretention_age = 'off'\nretention_bytes = 'off'\n"), (None, None));
    for (said, right) in [
        ("retention_age = '0s'", "a duration from 1s on"),
        ("retention_age = 'week'", "such as 7d or 12h"),
        ("retention_bytes = '95%'", "a share from 1% to 90%"),
        ("retention_bytes = '1KiB'", "is too small"),
    ] {
        let problems =
            resolve(&[("write_key", "pk")], &[], Some(&format!("[journal]\n{said}\n"))).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(right), "{problems:?}");
        assert!(problems[0].starts_with("footfall.toml:2:1 journal.retention"), "{problems:?}");
    }
}
