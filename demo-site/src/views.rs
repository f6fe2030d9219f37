//! The pages as their templates in `templates/` see them; askama checks each against its fields when it is compiled.
//! Where the values come from is left to `http`.

use askama::Template;

use crate::{
    http::{compose::Draft, page::Layout},
    store::{Author, Board, Comment, Post, PostList, PostSummary, Profile, Reactions},
};

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) layout: Layout,
    pub(crate) boards: Vec<Board>,
    pub(crate) list: PostList,
    /// Whether the list begins with the newest post.
    pub(crate) first: bool,
}

#[derive(Template)]
#[template(path = "board.html")]
pub(crate) struct BoardPage {
    pub(crate) layout: Layout,
    pub(crate) board: Board,
    pub(crate) list: PostList,
}

#[derive(Template)]
#[template(path = "post.html")]
pub(crate) struct PostPage<'a> {
    pub(crate) layout: Layout,
    pub(crate) post: Post,
    pub(crate) reactions: Reactions,
    /// Whether the post has all the comments that it may have.
    pub(crate) full: bool,
    /// The comment as it was typed, where it was refused.
    pub(crate) draft: &'a str,
    pub(crate) problem: Option<String>,
    pub(crate) comment_max: usize,
}

#[derive(Template)]
#[template(path = "compose.html")]
pub(crate) struct ComposePage {
    pub(crate) layout: Layout,
    pub(crate) boards: Vec<Board>,
    pub(crate) draft: Draft,
    pub(crate) problem: Option<String>,
    pub(crate) title_max: usize,
    pub(crate) body_max: usize,
}

#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage {
    pub(crate) layout: Layout,
    pub(crate) query: String,
    pub(crate) posts: Vec<PostSummary>,
}

#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) layout: Layout,
    pub(crate) next: &'a str,
    pub(crate) name: &'a str,
    pub(crate) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "profile.html")]
pub(crate) struct ProfilePage {
    pub(crate) layout: Layout,
    pub(crate) profile: Profile,
    /// Whether the visitor looks at their own page.
    pub(crate) own: bool,
    pub(crate) posts: Vec<PostSummary>,
    pub(crate) favourites: Vec<PostSummary>,
}

#[derive(Template)]
#[template(path = "refusal.html")]
pub(crate) struct RefusalPage<'a> {
    pub(crate) layout: Layout,
    pub(crate) headline: &'a str,
    pub(crate) reason: String,
    /// Where to come back to after a log-in, where a log-in would help.
    pub(crate) next: Option<&'a str>,
}

impl Author {
    /// The letter in the author's picture.
    pub(crate) fn initial(&self) -> char {
        self.handle.chars().next().unwrap_or('?').to_ascii_uppercase()
    }

    /// One of six colours of the style sheet.
    pub(crate) fn hue(&self) -> i64 {
        self.id.rem_euclid(6)
    }
}

impl PostSummary {
    /// The one address of the post.
    pub(crate) fn address(&self) -> String {
        format!("/t/{}/{}", self.slug, self.id)
    }
}

impl Post {
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = &str> {
        paragraphs(&self.body)
    }
}

impl Comment {
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = &str> {
        paragraphs(&self.body)
    }
}

/// The text between blank lines; single line breaks are kept and shown by the style sheet.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}
