//! Keeping the database: its schema, copies of it, its health.

use super::{Code, Effect, Entry};

pub(super) const ENTRIES: [Entry; 6] = [
    Entry {
        code: Code::OlderSchema,
        name: "FH0410",
        effect: Effect::Ends(78),
        title: "The schema of the database has to be brought up to date",
        meaning: "An older version wrote the database, or nobody did yet, and [store] migrate = \"manual\" leaves the schema to a person.",
        fix: "Make a backup (foghorn db backup FILE), then: foghorn db migrate; nothing was changed.",
    },
    Entry {
        code: Code::NotOursToKeep,
        name: "FH0821",
        effect: Effect::Ends(1),
        title: "Foghorn does not do this for this store",
        meaning: "PostgreSQL has tools of its own for backups, which know more than Foghorn does: roles, other databases, points in time. A store in memory has nothing to keep.",
        fix: "Run the command that the message names. The guide is docs/guides/backup.md.",
    },
    Entry {
        code: Code::CopyExists,
        name: "FH0822",
        effect: Effect::Ends(1),
        title: "There is a file of that name already",
        meaning: "A backup writes over no file unless it is told to, and never over the database itself. It was left as it is.",
        fix: "Name another file, or replace that one with --force.",
    },
    Entry {
        code: Code::CopyUnwritable,
        name: "FH0823",
        effect: Effect::Ends(1),
        title: "The copy of the database cannot be written",
        meaning: "There is no such directory, this user may not write there, or the disk is full. Nothing was left under the name that was asked for, and the database is as it was.",
        fix: "Make room or name another place. A copy needs about as much room as foghorn db status says that the database has.",
    },
    Entry {
        code: Code::NotABackup,
        name: "FH0824",
        effect: Effect::Ends(1),
        title: "The file is no backup of a Foghorn database",
        meaning: "It is not there, cannot be read, is no SQLite database, or another program's. The database was not touched.",
        fix: "Name a file that foghorn db backup wrote.",
    },
    Entry {
        code: Code::Damaged,
        name: "FH0825",
        effect: Effect::Ends(1),
        title: "The database is damaged",
        meaning: "Its pages contradict each other: a disk that lost writes, or a file that was copied with cp while Foghorn wrote to it.",
        fix: "Restore the newest backup that is whole: foghorn db restore FILE. What is there now is kept beside it. Then check the disk (dmesg, smartctl).",
    },
];
