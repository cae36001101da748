//! Every error that has a code: what it means and how to mend it, in one place.
//!
//! The configuration, the log, the command line and the HTTP API name a [`Code`] and never write its digits;
//! a test holds that. From the same tables come `foghorn explain`, the pages under `/docs/errors`
//! that `type` of a problem leads to, and `docs/errors.md`. A code never changes its meaning, and
//! one that nothing triggers does not exist: `tests/it/every_code` triggers each.
//!
//! ```text
//! 01 the file · 02 secrets and links · 03 routing · 04 start · 05 sources, store, actors
//! 06 deliveries, channels · 07 requests · 08 the command line
//! ```

mod command;
mod config;
mod effect;
mod file;
mod http;
mod pages;
mod running;
mod upkeep;

pub use effect::{Effect, Origin};
pub use pages::documentation;

use std::fmt;

/// Makes [`Code`] and counts it, so that a code without an entry does not compile.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident,)*) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        const COUNT: usize = [$(Code::$code),*].len();
    };
}

codes! {
    /// A new configuration was refused; the old one stays.
    ReloadRefused,
    /// The file itself cannot be read, or is not text.
    Unreadable,
    /// A key that nobody reads.
    UnknownKey,
    /// Not TOML.
    Syntax,
    /// A key that is needed is not there.
    Missing,
    /// A value of the wrong type, or a word that is not known.
    WrongValue,
    /// A duration or a size without a unit.
    NeedsUnit,
    /// A number, duration or size that is too small or too large.
    OutOfRange,
    /// A key or a value that this version does not know yet.
    Later,
    /// Two values that cannot both be meant.
    Contradiction,
    /// A key that has another name now.
    Renamed,
    /// Two files have the same key, or a file that is included cannot be.
    Included,
    /// A `FOGHORN_*` variable that means nothing.
    UnknownVariable,
    /// A secret points to something that is not there.
    SecretMissing,
    /// A secret points to something empty.
    SecretEmpty,
    /// A secret is written in the file.
    SecretInClear,
    /// A secret points to something that cannot be read.
    SecretUnreadable,
    /// A secret's file can be read by everybody on the machine.
    SecretExposed,
    /// Links in messages lead to the reader's own machine.
    LocalLinks,
    /// A route names a policy that does not exist.
    UnknownPolicy,
    /// A step names a channel that does not exist.
    UnknownChannel,
    /// A step or a team names somebody who does not exist.
    UnknownPerson,
    /// Incidents that no route takes.
    NoRoute,
    /// A policy or a step that reaches nobody.
    NobodyHears,
    /// A route that never gets an incident.
    NeverReached,
    /// The port cannot be had.
    CannotListen,
    /// The database cannot be written.
    StoreReadOnly,
    /// A newer Foghorn wrote the database.
    NewerSchema,
    /// Open to the network without a sign-in.
    OpenWithoutAuth,
    /// Another program's database.
    ForeignDatabase,
    /// Another Foghorn has the database open.
    StoreInUse,
    /// The database does not keep commits through a power cut.
    NotDurable,
    /// The database cannot be reached or opened.
    StoreUnreachable,
    /// Open to a network that the operator trusts.
    OpenByChoice,
    /// The schema is older, and a person brings it up to date.
    OlderSchema,
    /// The source's broker is away.
    BrokerAway,
    /// A record is kept as a dead letter.
    RecordRejected,
    /// A source ended over an error.
    SourceLost,
    /// The broker threw records away.
    RecordsGone,
    /// Records are damaged.
    RecordsUnreadable,
    /// The store is away.
    StoreAway,
    /// Whoever watches from outside does not hear of life.
    HeartbeatFailed,
    /// An actor died.
    ActorDied,
    /// An actor spent its restarts.
    ActorKeepsDying,
    /// Another process has this node's name.
    Fenced,
    /// Stable storage failed a sync.
    StorageBroken,
    /// The writer of the store keeps dying.
    TreeBroken,
    /// A record of the store does not fit the files.
    RecordLeftOut,
    /// A delivery was refused for good.
    DeliveryRefused,
    /// A delivery ran out.
    DeliverySpent,
    /// A channel is held.
    ChannelHeld,
    /// A channel's credentials are refused.
    CredentialRefused,
    /// A provider spoke against an address.
    AddressMarked,
    /// The body is not JSON.
    NotJson,
    /// No event of the body is valid.
    InvalidEvent,
    /// The body, or the batch in it, is too large.
    TooLarge,
    /// The body is of a type that is not understood.
    ContentType,
    /// The body took too long to arrive.
    TooSlow,
    /// The query is not understood.
    Query,
    /// There is no such thing.
    NotFound,
    /// It cannot be asked for in this way.
    Method,
    /// A page of another site sent it.
    CrossOrigin,
    /// It was sent to a name that is not ours.
    ForeignHost,
    /// It is not a request that HTTP allows.
    BadRequest,
    /// The body is valid JSON but not what this address takes.
    InvalidBody,
    /// Not now: overloaded, draining, or the store is away.
    Unavailable,
    /// A callback that its provider did not sign.
    Unsigned,
    /// No token, or none that counts.
    NoToken,
    /// A token that is not good for this.
    ScopeMissing,
    /// The first request with this key still runs.
    KeyRuns,
    /// The key was used for another request.
    KeyReused,
    /// Too many requests.
    TooOften,
    /// It makes no sense for an incident or a delivery as it stands.
    ActionRefused,
    /// A link that nobody may act with.
    LinkUnknown,
    /// A request with a session that does not come from our own page.
    NotOwnPage,
    /// The identity provider's word is none, or not good for this.
    SignInRefused,
    /// The identity provider does not answer.
    ProviderAway,
    /// A request to a source that is not from its sender.
    NotTheSender,
    /// A file has what somebody wants to change.
    OwnedByFile,
    /// There is one of that name already.
    AlreadyThere,
    /// It was changed since it was looked at.
    Outdated,
    /// The configuration would not be valid any more.
    ChangeRefused,
    /// A template does not fit its variables.
    TemplateUnfit,
    /// A bug.
    Internal,
    /// No Foghorn answers a command.
    NobodyAnswers,
    /// What answers a command is no Foghorn.
    NotUnderstood,
    /// Standard output cannot be written.
    CannotWrite,
    /// `explain` was asked for a code that does not exist.
    UnknownCode,
    /// `--url` is no URL of a server.
    NoServerUrl,
    /// `init` would write over a file.
    FileExists,
    /// `init` cannot write the file.
    FileUnwritable,
    /// `top` has no terminal to draw on.
    NotATerminal,
    /// What `send -f` should send cannot be read.
    InputUnreadable,
    /// What `send --wait` waits for did not come in time.
    NotInTime,
    /// Another policy than the expected one would take it.
    AnotherPolicy,
    /// The provider did not take a test message.
    TestNotSent,
    /// No event came while it was waited for.
    NothingCame,
    /// A template is not there, or does not fit its variables.
    TemplateSaysNothing,
    /// No table of `foghorn codes` has this.
    UnknownAnswer,
    /// What `--token-file` or `$FOGHORN_TOKEN` should hold cannot be had.
    TokenUnreadable,
    /// Some records of a file became no event.
    NotEveryRecord,
    /// What lies on the bus of a source cannot be looked at.
    PastOutOfSight,
    /// The bus of a source does not answer a command.
    BusAway,
    /// This store is not backed up, restored or made smaller by Foghorn.
    NotOursToKeep,
    /// A backup would write over a file.
    CopyExists,
    /// A copy of the database cannot be written.
    CopyUnwritable,
    /// What is to be restored is no backup.
    NotABackup,
    /// The database is damaged.
    Damaged,
}

/// One line of the tables.
#[derive(Debug, Clone, Copy)]
struct Entry {
    code: Code,
    name: &'static str,
    effect: Effect,
    title: &'static str,
    meaning: &'static str,
    fix: &'static str,
}

const ENTRIES: [Entry; COUNT] = sorted();

/// All tables as one, each entry at the place of its code: what is missing or there twice does not
/// compile.
const fn sorted() -> [Entry; COUNT] {
    let tables: [&[Entry]; 6] = [
        &file::ENTRIES,
        &config::ENTRIES,
        &command::ENTRIES,
        &upkeep::ENTRIES,
        &running::ENTRIES,
        &http::ENTRIES,
    ];
    let mut all = [file::ENTRIES[0]; COUNT];
    let (mut table, mut filled) = (0, 0);
    while table < tables.len() {
        let mut at = 0;
        while at < tables[table].len() {
            all[tables[table][at].code as usize] = tables[table][at];
            at += 1;
            filled += 1;
        }
        table += 1;
    }
    assert!(filled == COUNT, "a code has no entry, or two");
    let mut at = 0;
    while at < COUNT {
        assert!(all[at].code as usize == at, "a code has no entry");
        at += 1;
    }
    all
}

impl Code {
    /// Every code, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        ENTRIES.iter().map(|entry| entry.code)
    }

    /// The code as it is printed.
    pub fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// What went wrong, in one sentence.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// Why it is an error.
    pub fn meaning(self) -> &'static str {
        self.entry().meaning
    }

    /// What to do.
    pub fn fix(self) -> &'static str {
        self.entry().fix
    }

    /// What follows from it.
    pub fn effect(self) -> Effect {
        self.entry().effect
    }

    /// Where it goes wrong.
    pub fn origin(self) -> Origin {
        match self.effect() {
            Effect::Refuses | Effect::Warns => Origin::Configuration,
            Effect::Ends(_) => Origin::Command,
            Effect::Answers(_) => Origin::Request,
            Effect::Logs | Effect::Stops(_) => Origin::Running,
        }
    }

    /// The code that is written so: upper or lower case, with or without FH and leading zeros.
    pub fn named(text: &str) -> Option<Self> {
        let number = number(text)?;
        Self::all().find(|code| code.number() == number)
    }

    /// The code that was likely meant: one slip away, and of those the one closest in number.
    pub fn nearest(text: &str) -> Option<Self> {
        let number = number(text)?;
        let written = format!("{number:04}");
        let slips = |code: &Self| {
            let digits = &code.as_str()[2..];
            (strsim::damerau_levenshtein(&written, digits), code.number().abs_diff(number))
        };
        Self::all().min_by_key(slips)
    }

    fn number(self) -> u16 {
        number(self.as_str()).unwrap_or_default()
    }

    fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }
}

fn number(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = match text.get(..2) {
        Some(letters) if letters.eq_ignore_ascii_case("fh") => &text[2..],
        _ => text,
    };
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_well_formed_and_in_order() {
        let names: Vec<&str> = Code::all().map(Code::as_str).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        for name in names {
            let digits = name.strip_prefix("FH").unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
        }
    }

    #[test]
    fn every_code_says_what_it_is_what_it_means_and_what_to_do() {
        for code in Code::all() {
            let title = code.title();
            assert!(!title.is_empty() && !title.ends_with('.') && title.len() <= 70, "{code}: {title}");
            for text in [code.meaning(), code.fix()] {
                assert!(text.len() > 20 && text.ends_with('.') && !text.contains('\n'), "{code}: {text}");
            }
            if let Effect::Answers(status) = code.effect() {
                assert!((400..600).contains(&status), "{code}: {status}");
            }
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["FH0207", "fh0207", "Fh207", "0207", "207", " FH0207 "] {
            assert_eq!(Code::named(text), Some(Code::LocalLinks), "{text}");
        }
        for text in ["", "FH", "FH99999", "FH02 7", "-207", "FH0206", "é", "host"] {
            assert_eq!(Code::named(text), None, "{text}");
        }
    }

    #[test]
    fn a_slip_finds_the_nearest_code() {
        assert_eq!(Code::nearest("FH0130"), Some(Code::UnknownVariable));
        assert_eq!(Code::nearest("fh0270"), Some(Code::LocalLinks));
        assert_eq!(Code::nearest("route"), None);
    }
}
