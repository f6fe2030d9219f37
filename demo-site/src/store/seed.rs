//! The boards, members, posts and comments that a new forum starts with, read from `seed/forum.json`.
//! It runs once, inside the transaction that makes the database; later changes come from members.

use std::collections::HashMap;

use rusqlite::{Transaction, params};
use serde::Deserialize;

use crate::Error;

const SEED: &str = include_str!("../../seed/forum.json");
const MINUTE_MS: i64 = 60_000;

#[derive(Deserialize)]
struct Seed {
    boards: Vec<SeedBoard>,
    members: Vec<SeedMember>,
    posts: Vec<SeedPost>,
}

#[derive(Deserialize)]
struct SeedBoard {
    slug: String,
    name: String,
    about: String,
}

#[derive(Deserialize)]
struct SeedMember {
    handle: String,
    about: String,
}

#[derive(Deserialize)]
struct SeedPost {
    board: String,
    author: String,
    minutes_ago: i64,
    title: String,
    body: String,
    likes: Vec<String>,
    comments: Vec<SeedComment>,
}

#[derive(Deserialize)]
struct SeedComment {
    author: String,
    minutes_ago: i64,
    body: String,
}

/// Writes the first content, dated back from `now_ms`.
pub(super) fn fill(transaction: &Transaction<'_>, now_ms: i64) -> Result<(), Error> {
    let mut seed: Seed = serde_json::from_str(SEED)?;
    for (position, board) in (0_i64..).zip(&seed.boards) {
        transaction.execute(
            "INSERT INTO board (slug, name, about, position) VALUES (?1, ?2, ?3, ?4)",
            params![board.slug, board.name, board.about, position],
        )?;
    }
    let joined_at_ms = now_ms - 30 * 24 * 60 * MINUTE_MS;
    let mut members = HashMap::new();
    for member in &seed.members {
        transaction.execute(
            "INSERT INTO member (handle, about, joined_at_ms) VALUES (?1, ?2, ?3)",
            params![member.handle, member.about, joined_at_ms],
        )?;
        members.insert(member.handle.as_str(), transaction.last_insert_rowid());
    }
    // Lists go by post id, so the oldest must get the lowest.
    seed.posts.sort_by_key(|post| std::cmp::Reverse(post.minutes_ago));
    for post in &seed.posts {
        transaction.execute(
            "INSERT INTO post (board, author, title, body, written_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                post.board,
                members.get(post.author.as_str()),
                post.title,
                post.body,
                now_ms - post.minutes_ago * MINUTE_MS
            ],
        )?;
        let id = transaction.last_insert_rowid();
        for handle in &post.likes {
            transaction.execute(
                "INSERT INTO reaction (post, kind, member) VALUES (?1, 'like', ?2)",
                params![id, members.get(handle.as_str())],
            )?;
        }
        for comment in &post.comments {
            transaction.execute(
                "INSERT INTO comment (post, author, body, written_at_ms) VALUES (?1, ?2, ?3, ?4)",
                params![
                    id,
                    members.get(comment.author.as_str()),
                    comment.body,
                    now_ms - comment.minutes_ago * MINUTE_MS
                ],
            )?;
        }
    }
    Ok(())
}
