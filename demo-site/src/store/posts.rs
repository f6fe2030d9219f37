//! Boards, posts and comments: reading them as pages show them, and writing new ones.
//! The text that comes in here has passed the rules of `text`.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::Store;
use crate::{
    Error,
    moment::{Moment, now_ms},
    text,
};

/// The most comments that one post may have.
pub(crate) const MAX_COMMENTS: i64 = 500;
/// The most posts that one list shows.
const LIST: usize = 20;
/// The most characters of a post that a list shows.
const EXCERPT: usize = 180;

/// A board with the number of its posts.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) posts: i64,
}

/// Who wrote something.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    pub(crate) id: i64,
    pub(crate) handle: String,
}

/// A post as a list shows it.
#[derive(Debug, Clone)]
pub(crate) struct PostSummary {
    pub(crate) id: i64,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) excerpt: String,
    pub(crate) board: String,
    pub(crate) board_name: String,
    pub(crate) author: Author,
    pub(crate) likes: i64,
    pub(crate) comments: i64,
    pub(crate) written: Moment,
}

/// A whole post with its comments, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) summary: PostSummary,
    pub(crate) body: String,
    pub(crate) comments: Vec<Comment>,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: i64,
    pub(crate) author: Author,
    pub(crate) body: String,
    pub(crate) written: Moment,
}

/// Which posts a list shows.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    All,
    Board(String),
    Author(i64),
    FavouritesOf(i64),
}

/// One page of a list, newest first.
#[derive(Debug, Clone)]
pub(crate) struct PostList {
    pub(crate) posts: Vec<PostSummary>,
    /// The id that the next, older page begins below; `None` on the last page.
    pub(crate) older_than: Option<i64>,
}

const SUMMARY: &str = "
    SELECT post.id, post.title, post.body, post.board, board.name AS board_name,
           member.id AS author_id, member.handle AS author_handle, post.written_at_ms,
           strftime('%Y-%m-%dT%H:%M:%SZ', post.written_at_ms / 1000, 'unixepoch') AS written_iso,
           (SELECT count(*) FROM reaction WHERE reaction.post = post.id AND kind = 'like') AS likes,
           (SELECT count(*) FROM comment WHERE comment.post = post.id) AS comments
    FROM post JOIN board ON board.slug = post.board JOIN member ON member.id = post.author";

impl Store {
    /// All boards in the order of the front page.
    pub(crate) async fn boards(&self) -> Result<Vec<Board>, Error> {
        self.call(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT slug, name, about, (SELECT count(*) FROM post WHERE post.board = board.slug) AS posts
                 FROM board ORDER BY position",
            )?;
            let boards = statement.query_map([], |row| {
                Ok(Board {
                    slug: row.get("slug")?,
                    name: row.get("name")?,
                    about: row.get("about")?,
                    posts: row.get("posts")?,
                })
            })?;
            Ok(boards.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The posts of `scope`, newest first, below the id `before` where one is given.
    pub(crate) async fn posts(&self, scope: Scope, before: Option<i64>) -> Result<PostList, Error> {
        self.call(move |connection| {
            let (condition, value): (_, rusqlite::types::Value) = match scope {
                Scope::All => ("?1 IS NULL", rusqlite::types::Null.into()),
                Scope::Board(slug) => ("post.board = ?1", slug.into()),
                Scope::Author(id) => ("post.author = ?1", id.into()),
                Scope::FavouritesOf(id) => (
                    "post.id IN (SELECT post FROM reaction WHERE member = ?1 AND kind = 'favourite')",
                    id.into(),
                ),
            };
            let sql = format!("{SUMMARY} WHERE {condition} AND post.id < ?2 ORDER BY post.id DESC LIMIT ?3");
            // One more than is shown tells whether there is an older page.
            let asked = params![value, before.unwrap_or(i64::MAX), LIST as i64 + 1];
            let mut posts = summaries(connection, &sql, asked)?;
            let more = posts.len() > LIST;
            posts.truncate(LIST);
            let older_than = posts.last().filter(|_| more).map(|post| post.id);
            Ok(PostList { posts, older_than })
        })
        .await
    }

    /// The posts that hold every word of `query`, best first; the last word may be a beginning.
    pub(crate) async fn search(&self, query: &str) -> Result<Vec<PostSummary>, Error> {
        let Some(pattern) = pattern(query) else { return Ok(Vec::new()) };
        self.call(move |connection| {
            let sql = format!(
                "{SUMMARY} JOIN post_words ON post_words.rowid = post.id
                 WHERE post_words MATCH ?1 ORDER BY bm25(post_words, 4.0, 1.0), post.id DESC LIMIT ?2"
            );
            summaries(connection, &sql, params![pattern, LIST as i64])
        })
        .await
    }

    /// A whole post, or `None` where there is none.
    pub(crate) async fn post(&self, id: i64) -> Result<Option<Post>, Error> {
        self.call(move |connection| {
            let now = now_ms();
            let mut statement = connection.prepare_cached(&format!("{SUMMARY} WHERE post.id = ?1"))?;
            let found =
                statement.query_row([id], |row| Ok((summary(row, now)?, row.get("body")?))).optional()?;
            let Some((summary, body)) = found else { return Ok(None) };
            Ok(Some(Post { summary, body, comments: comments(connection, id, now)? }))
        })
        .await
    }

    /// Adds a post and gives it as a list shows it.
    pub(crate) async fn write_post(
        &self,
        author: i64,
        board: String,
        title: String,
        body: String,
    ) -> Result<PostSummary, Error> {
        self.call(move |connection| {
            let now = now_ms();
            let added = connection.execute(
                "INSERT INTO post (board, author, title, body, written_at_ms)
                 SELECT slug, :author, :title, :body, :now FROM board WHERE slug = :board",
                named_params! { ":author": author, ":title": title, ":body": body, ":now": now, ":board": board },
            )?;
            if added == 0 {
                return Err(Error::Invalid("Please choose one of the boards.".into()));
            }
            let id = connection.last_insert_rowid();
            let sql = format!("{SUMMARY} WHERE post.id = ?1");
            Ok(connection.query_row(&sql, [id], |row| summary(row, now))?)
        })
        .await
    }

    /// Adds a comment to a post that exists and has room for it.
    pub(crate) async fn write_comment(&self, post: i64, author: i64, body: String) -> Result<(), Error> {
        self.call(move |connection| {
            let added = connection.execute(
                "INSERT INTO comment (post, author, body, written_at_ms)
                 SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM comment WHERE post = ?1) < ?5",
                params![post, author, body, now_ms(), MAX_COMMENTS],
            )?;
            if added == 0 {
                return Err(Error::Invalid(format!(
                    "This post has {MAX_COMMENTS} comments, the most it can have. Start a new post instead."
                )));
            }
            Ok(())
        })
        .await
    }
}

fn summaries(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<PostSummary>, Error> {
    let now = now_ms();
    let mut statement = connection.prepare_cached(sql)?;
    let posts = statement.query_map(values, |row| summary(row, now))?;
    Ok(posts.collect::<Result<_, _>>()?)
}

fn summary(row: &Row<'_>, now: i64) -> rusqlite::Result<PostSummary> {
    let title: String = row.get("title")?;
    Ok(PostSummary {
        id: row.get("id")?,
        slug: text::slug(&title),
        title,
        excerpt: text::excerpt(row.get_ref("body")?.as_str()?, EXCERPT),
        board: row.get("board")?,
        board_name: row.get("board_name")?,
        author: author(row)?,
        likes: row.get("likes")?,
        comments: row.get("comments")?,
        written: written(row, now)?,
    })
}

fn comments(connection: &Connection, post: i64, now: i64) -> Result<Vec<Comment>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT comment.id, body, member.id AS author_id, handle AS author_handle, written_at_ms,
                strftime('%Y-%m-%dT%H:%M:%SZ', written_at_ms / 1000, 'unixepoch') AS written_iso
         FROM comment JOIN member ON member.id = comment.author WHERE post = ?1 ORDER BY comment.id",
    )?;
    let comments = statement.query_map([post], |row| {
        Ok(Comment {
            id: row.get("id")?,
            author: author(row)?,
            body: row.get("body")?,
            written: written(row, now)?,
        })
    })?;
    Ok(comments.collect::<Result<_, _>>()?)
}

fn author(row: &Row<'_>) -> rusqlite::Result<Author> {
    Ok(Author { id: row.get("author_id")?, handle: row.get("author_handle")? })
}

fn written(row: &Row<'_>, now: i64) -> rusqlite::Result<Moment> {
    Ok(Moment::new(row.get("written_at_ms")?, row.get("written_iso")?, now))
}

/// The query in FTS5's language: each word quoted, so that nothing a visitor types is an operator.
fn pattern(query: &str) -> Option<String> {
    let words: Vec<_> = query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| format!("{}*", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_into_the_search_is_an_operator() {
        assert_eq!(pattern("plum OR \"jam").unwrap(), "\"plum\" \"OR\" \"jam\"*");
        assert_eq!(pattern(" *-- "), None);
    }

    #[tokio::test]
    async fn a_post_takes_comments_up_to_the_limit_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for _ in store.post(1).await.unwrap().unwrap().comments.len()..usize::try_from(MAX_COMMENTS).unwrap()
        {
            store.write_comment(1, 1, "hello".into()).await.unwrap();
        }
        let refused = store.write_comment(1, 1, "one more".into()).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid(reason) if reason.contains("500")), "{refused}");
    }

    #[tokio::test]
    async fn a_list_leads_to_its_older_page_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let first = store.posts(Scope::All, None).await.unwrap();
        assert_eq!(first.posts.len(), LIST);
        let second = store.posts(Scope::All, first.older_than).await.unwrap();
        assert_eq!((second.posts.len(), second.older_than), (4, None));
        assert!(second.posts[0].id < first.posts[LIST - 1].id);
    }
}
