//! What a disk may hold when the power goes: all that was synced, and of the rest whatever part chance leaves.
//! What must be found in it is the test's to say.

use std::collections::BTreeMap;

use super::recorder::{Name, Step};

/// A sector of a disk, and a page of the system's cache: a write may tear between two of them.
const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// What becomes of writes that were not synced. Later ones may be there without earlier ones in all but `Prefix`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Survives {
    Nothing,
    Everything,
    Prefix,
    Writes,
    Sectors,
    Pages,
}

impl Survives {
    pub(crate) const ALL: [Self; 6] =
        [Self::Nothing, Self::Everything, Self::Prefix, Self::Writes, Self::Sectors, Self::Pages];
}

/// How honest the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honesty {
    /// What it says it has synced, it has.
    Honest,
    /// It says so of the write-ahead log, and writes that later.
    LiesAboutTheLog,
}

/// Chance that can be had again by its seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

#[derive(Debug)]
enum Change<'s> {
    Write { offset: usize, bytes: &'s [u8] },
    Truncate(usize),
}

#[derive(Debug, Default)]
struct File<'s> {
    synced: Vec<u8>,
    pending: Vec<Change<'s>>,
}

/// The files after `steps`, when the power goes then.
pub(crate) fn image(
    steps: &[Step],
    survives: Survives,
    honesty: Honesty,
    chance: &mut Chance,
) -> BTreeMap<Name, Vec<u8>> {
    let mut files: Vec<File<'_>> = Vec::new();
    // Names as the system has them, as the disk has them, and how the former came from the latter.
    let (mut cached, mut synced) = (BTreeMap::<Name, usize>::new(), BTreeMap::<Name, usize>::new());
    let mut renamed: Vec<(Name, Option<usize>)> = Vec::new();
    for step in steps {
        match step {
            Step::Create(name) => {
                cached.insert(Name::clone(name), files.len());
                renamed.push((Name::clone(name), Some(files.len())));
                files.push(File::default());
            }
            Step::Write { file, offset, bytes } => {
                files[cached[file]].pending.push(Change::Write { offset: *offset, bytes });
            }
            Step::Truncate { file, size } => files[cached[file]].pending.push(Change::Truncate(*size)),
            Step::Sync(name) if honesty == Honesty::LiesAboutTheLog && name.ends_with("-wal") => {}
            Step::Sync(name) => files[cached[name]].settle(Survives::Everything, chance),
            Step::SyncFailed(name) => files[cached[name]].settle(Survives::Pages, chance),
            Step::SyncDirectory => {
                synced.clone_from(&cached);
                renamed.clear();
            }
            Step::Delete { file, directory_synced } => {
                cached.remove(file);
                renamed.push((Name::clone(file), None));
                if *directory_synced {
                    synced.clone_from(&cached);
                    renamed.clear();
                }
            }
            Step::Mark(_) => {}
        }
    }
    let kept = match survives {
        Survives::Nothing => 0,
        Survives::Everything => renamed.len(),
        _ => chance.below(renamed.len() + 1),
    };
    for (name, file) in renamed.into_iter().take(kept) {
        match file {
            Some(file) => synced.insert(name, file),
            None => synced.remove(&name),
        };
    }
    let mut found = BTreeMap::new();
    for (name, file) in synced {
        files[file].settle(survives, chance);
        found.insert(name, files[file].synced.clone());
    }
    found
}

impl File<'_> {
    /// Brings what was pending to the disk, as far as it survives.
    fn settle(&mut self, survives: Survives, chance: &mut Chance) {
        let pending = std::mem::take(&mut self.pending);
        let prefix = chance.below(pending.len() + 1);
        for (index, change) in pending.into_iter().enumerate() {
            let tears_at = match survives {
                Survives::Sectors => SECTOR,
                Survives::Pages => PAGE,
                Survives::Nothing | Survives::Everything | Survives::Prefix | Survives::Writes => usize::MAX,
            };
            let is_kept = |chance: &mut Chance| match survives {
                Survives::Nothing => false,
                Survives::Everything => true,
                Survives::Prefix => index < prefix,
                Survives::Writes | Survives::Sectors | Survives::Pages => chance.one_in(2),
            };
            match change {
                Change::Truncate(size) if is_kept(chance) => self.synced.resize(size, 0),
                Change::Truncate(_) => {}
                Change::Write { mut offset, mut bytes } => {
                    while !bytes.is_empty() {
                        let piece = (tears_at - offset % tears_at).min(bytes.len());
                        let (now, rest) = bytes.split_at(piece);
                        if is_kept(chance) {
                            self.write(offset, now, chance);
                        } else if tears_at < usize::MAX && chance.one_in(4) {
                            self.extend(offset + piece, chance);
                        }
                        (offset, bytes) = (offset + piece, rest);
                    }
                }
            }
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8], chance: &mut Chance) {
        self.extend(offset + bytes.len(), chance);
        self.synced[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// A file that grew has no say in what stands where nothing was written: zeros, or what the disk had there.
    fn extend(&mut self, size: usize, chance: &mut Chance) {
        let filler = if chance.one_in(2) { 0 } else { chance.next() as u8 };
        if self.synced.len() < size {
            self.synced.resize(size, filler);
        }
    }
}
