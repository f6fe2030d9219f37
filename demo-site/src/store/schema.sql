-- Members log in by name alone, so there is no password to keep.
CREATE TABLE member (
    id           INTEGER PRIMARY KEY,
    handle       TEXT NOT NULL UNIQUE,
    about        TEXT NOT NULL DEFAULT '',
    joined_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    token         TEXT PRIMARY KEY,
    member_id     INTEGER NOT NULL REFERENCES member (id),
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_by_expiry ON session (expires_at_ms);

CREATE TABLE board (
    slug     TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    about    TEXT NOT NULL,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE post (
    id            INTEGER PRIMARY KEY,
    board         TEXT NOT NULL REFERENCES board (slug),
    author        INTEGER NOT NULL REFERENCES member (id),
    title         TEXT NOT NULL,
    body          TEXT NOT NULL,
    written_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX post_by_board ON post (board, id);
CREATE INDEX post_by_author ON post (author, id);

CREATE TABLE comment (
    id            INTEGER PRIMARY KEY,
    post          INTEGER NOT NULL REFERENCES post (id),
    author        INTEGER NOT NULL REFERENCES member (id),
    body          TEXT NOT NULL,
    written_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX comment_by_post ON comment (post, id);

CREATE TABLE reaction (
    post   INTEGER NOT NULL REFERENCES post (id),
    kind   TEXT NOT NULL CHECK (kind IN ('like', 'favourite')),
    member INTEGER NOT NULL REFERENCES member (id),
    PRIMARY KEY (post, kind, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX reaction_by_member ON reaction (member, kind);

-- The words of each post; the row id is the post's. Porter: "tomatoes" finds "tomato".
CREATE VIRTUAL TABLE post_words USING fts5 (title, body, tokenize = 'porter unicode61');
CREATE TRIGGER post_words_follow_posts AFTER INSERT ON post BEGIN
    INSERT INTO post_words (rowid, title, body) VALUES (new.id, new.title, new.body);
END;
