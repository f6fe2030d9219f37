//! What a browser has besides pages: storage that all tabs share, as `npm/src/browser/storage.ts` uses it.

use crate::core::{Done, What};
use std::collections::BTreeMap;

/// Whoever took a batch over sends it within this time.
const LEASE_MS: u64 = 15_000;

#[derive(Default)]
pub(super) struct Storage {
    /// From when on it is free, the page that has it, and its lines; by id.
    pub(super) batches: BTreeMap<String, (u64, u32, String)>,
    pub(super) slots: BTreeMap<u32, String>,
    pub(super) is_full: bool,
}

impl Storage {
    pub(super) fn keep(&mut self, page: u32, mine: &mut Vec<String>, text: &str, free_at_ms: u64) -> Done {
        let id = text.lines().next().unwrap().to_owned();
        let is_mine = mine.contains(&id);
        if is_mine && self.batches.get(&id).is_none_or(|(_, owner, _)| *owner != page) {
            mine.retain(|other| *other != id);
            return Done::Taken;
        }
        if self.is_full {
            self.batches.remove(&id);
            mine.retain(|other| *other != id);
            return Done::No;
        }
        self.batches.insert(id.clone(), (free_at_ms, page, text.to_owned()));
        if !is_mine {
            mine.push(id);
        }
        Done::Yes
    }

    /// The lines of the batches that a page may take over now; they are its own from here on.
    pub(super) fn claim(&mut self, page: u32, mine: &mut Vec<String>, unix_ms: u64) -> Vec<String> {
        let mut claimed = vec![];
        for (id, (free_at_ms, owner, lines)) in &mut self.batches {
            let is_free = *free_at_ms <= unix_ms || *free_at_ms > unix_ms + 86_400_000;
            if is_free && *owner != page {
                (*free_at_ms, *owner) = (unix_ms + LEASE_MS, page);
                if !mine.contains(id) {
                    mine.push(id.clone());
                }
                claimed.push(lines.clone());
            }
        }
        claimed
    }

    pub(super) fn remember(&mut self, slot: What, value: &str) {
        if value.is_empty() {
            self.slots.remove(&(slot as u32));
        } else {
            self.slots.insert(slot as u32, value.to_owned());
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.batches.clear();
        self.slots.clear();
    }
}
