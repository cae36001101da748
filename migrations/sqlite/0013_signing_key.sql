-- What links in messages are signed with: made once, by whichever node is first.
CREATE TABLE signing_key (
    name    TEXT NOT NULL PRIMARY KEY,
    secret  TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
