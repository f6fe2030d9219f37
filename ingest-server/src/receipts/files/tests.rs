//! What the files keep over every end that a run can come to, and what they say is missing.

use super::*;

fn known(number: u32) -> Entry {
    let mut digest = [0; 12];
    digest[..4].copy_from_slice(&number.to_le_bytes());
    Entry::Known { digest, seconds: number }
}

fn open(dir: &Path, ids: usize, now: i64) -> (Found, Vec<Entry>) {
    let mut entries = Vec::new();
    let found = Files::open(dir, ids, now, |entry| entries.push(entry)).unwrap();
    (found, entries)
}

fn write(found: &mut Found, entries: impl IntoIterator<Item = Entry>, now: i64) {
    entries.into_iter().for_each(|entry| found.files.put(&entry));
    found.files.write(now).unwrap();
}

fn newest(dir: &Path) -> PathBuf {
    path(dir, *numbers(dir).unwrap().last().unwrap())
}

#[test]
fn entries_come_back_after_a_stop_and_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let (mut found, entries) = open(dir.path(), 100, 5);
    assert_eq!((found.last_run, found.begun_at, found.begun_again), (LastRun::None, 5, false));
    assert!(entries.is_empty());
    let salt = found.files.salt;
    write(&mut found, [known(1)], 6);
    found.files.close().unwrap();

    let (mut found, entries) = open(dir.path(), 100, 7);
    assert_eq!((found.last_run, found.begun_at), (LastRun::Stopped, 5));
    assert_eq!((entries, found.files.salt), (vec![known(1)], salt));
    write(&mut found, [known(2)], 8);
    drop(found);

    let (found, entries) = open(dir.path(), 100, 9);
    assert_eq!((found.last_run, found.begun_at), (LastRun::Killed, 5));
    assert_eq!(entries, [known(1), known(2)]);
}

#[test]
fn a_torn_end_is_cut_off_and_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut found, _) = open(dir.path(), 100, 5);
    write(&mut found, [known(1)], 6);
    drop(found);
    OpenOptions::new().append(true).open(newest(dir.path())).unwrap().write_all(&[1; 20]).unwrap();
    let (mut found, entries) = open(dir.path(), 100, 7);
    assert_eq!((found.last_run, entries), (LastRun::Killed, vec![known(1)]));
    write(&mut found, [known(2)], 8);
    found.files.close().unwrap();
    let (found, entries) = open(dir.path(), 100, 9);
    assert_eq!((found.last_run, entries), (LastRun::Stopped, vec![known(1), known(2)]));
}

#[test]
fn of_entries_that_are_written_in_one_go_the_whole_ones_are_found_wherever_it_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (mut found, _) = open(dir.path(), 100, 5);
    write(&mut found, (0..3).map(known), 6);
    drop(found);
    let whole = fs::read(newest(dir.path())).unwrap();
    for cut in HEAD_BYTES..=whole.len() {
        fs::write(newest(dir.path()), &whole[..cut]).unwrap();
        let (found, entries) = open(dir.path(), 100, 7);
        let expected: Vec<_> = (0..3).map(known).take((cut - HEAD_BYTES) / KNOWN_BYTES).collect();
        assert_eq!((found.last_run, entries), (LastRun::Killed, expected), "{cut}");
    }
}

#[test]
fn damage_another_boot_and_a_disk_that_failed_are_told() {
    type Harm = fn(&Path, Found);
    let harms: [(&str, Harm); 5] = [
        ("another boot", |dir, found| {
            drop(found);
            fs::write(running(dir), "another").unwrap();
        }),
        ("a disk that failed", |_, found| found.files.give_up()),
        ("a damaged entry", |dir, found| {
            found.files.close().unwrap();
            let mut file = fs::read(newest(dir)).unwrap();
            file[HEAD_BYTES + 3] ^= 1;
            fs::write(newest(dir), file).unwrap();
        }),
        ("a damaged head", |dir, found| {
            found.files.close().unwrap();
            let mut file = fs::read(newest(dir)).unwrap();
            file[3] ^= 1;
            fs::write(newest(dir), file).unwrap();
        }),
        ("an empty file", |dir, found| {
            found.files.close().unwrap();
            fs::write(newest(dir), "").unwrap();
        }),
    ];
    for (name, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let (mut found, _) = open(dir.path(), 100, 5);
        for number in 0..6 {
            write(&mut found, [known(number)], 6);
        }
        harm(dir.path(), found);
        let (mut found, _) = open(dir.path(), 100, 7);
        assert_eq!(found.last_run, LastRun::Lost, "{name}");
        write(&mut found, [known(9)], 8);
        found.files.close().unwrap();
        let (_, entries) = open(dir.path(), 100, 9);
        assert_eq!(entries.last(), Some(&known(9)), "{name}");
    }
}

#[test]
fn files_are_bounded_and_hold_as_many_ids_as_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (mut found, _) = open(dir.path(), 40, 0);
    // Alone, and in groups of four, which go over a file's end: it has twelve then, and not ten.
    for number in 1..500 {
        write(&mut found, [known(number)], i64::from(number));
    }
    for number in (500..1000).step_by(4) {
        write(&mut found, (number..number + 4).map(known), i64::from(number));
    }
    let bytes: u64 =
        fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 5 * (HEAD_BYTES + 12 * KNOWN_BYTES) as u64 + 100, "{bytes}");
    found.files.close().unwrap();
    let (found, entries) = open(dir.path(), 40, 2000);
    assert!((40..=60).contains(&entries.len()), "{}", entries.len());
    assert_eq!(entries.last(), Some(&known(999)));
    let Entry::Known { seconds: first, .. } = entries[0] else { panic!("{entries:?}") };
    assert_eq!((found.begun_at, found.begun_again), (i64::from(first), true));
}

#[test]
fn a_file_that_is_missing_in_the_middle_ends_what_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let (mut found, _) = open(dir.path(), 40, 0);
    for number in 1..45 {
        write(&mut found, [known(number)], i64::from(number));
    }
    found.files.close().unwrap();
    fs::remove_file(path(dir.path(), 3)).unwrap();
    let (found, entries) = open(dir.path(), 40, 2000);
    assert_eq!((entries.first(), found.begun_at), (Some(&known(31)), 31));
}

#[test]
fn two_processes_do_not_share_them() {
    let dir = tempfile::tempdir().unwrap();
    let (_found, _) = open(dir.path(), 40, 0);
    let second = Files::open(dir.path(), 40, 0, |_| {}).unwrap_err();
    assert_eq!(second.to_string(), "another process has them open");
}
