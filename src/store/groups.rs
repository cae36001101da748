//! What incidents stand for, where that is more than one thing.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use serde::Serialize;
use sqlx::FromRow;

use super::StoreError;
use super::bulk::Asks;
use super::reading::{Ask, Fetch};
use super::rows::{IdRow, Readable, Word, column, number, optional, read_all, time, word};
use crate::domain::Timestamp;
use crate::domain::acceptance::{Accept, Known};
use crate::domain::dedup::{DedupKey, Keyspace};
use crate::domain::group::{Member, MemberStatus};
use crate::domain::late::SourceClock;

/// What an open transaction can do about members of incidents.
#[async_trait]
pub(super) trait Groups: Send {
    /// Those of these incidents.
    async fn members(&mut self, numbers: &[u64]) -> Result<Vec<Member>, StoreError>;

    /// Writes these as they are now: at least one.
    async fn put_members(&mut self, members: &[Member]) -> Result<(), StoreError>;
}

/// The members of those incidents that are known by another name than their own, or are wanted as a group.
pub(super) async fn members<L: Groups>(
    ledger: &mut L,
    fresh: &[Accept],
    known: &Known,
) -> Result<HashMap<u64, Vec<Member>>, StoreError> {
    let groups: BTreeSet<&str> = fresh.iter().filter_map(|accept| accept.plan.group()).collect();
    let is_group = |asked: &DedupKey, number: &u64| {
        let own = known.incidents.get(number).map(DedupKey::of_incident);
        groups.contains(asked.text.as_str()) || own.is_some_and(|own| own != *asked)
    };
    let numbers: BTreeSet<u64> =
        known.newest.iter().filter(|(asked, number)| is_group(asked, number)).map(|(_, n)| *n).collect();
    let mut members: HashMap<u64, Vec<Member>> = HashMap::new();
    if !numbers.is_empty() {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        for member in ledger.members(&numbers).await? {
            members.entry(member.incident).or_default().push(member);
        }
    }
    Ok(members)
}

const COLUMNS: &str = "SELECT incident, dedup_key, keyspace, source, status, began_at, newest_at, expires_at FROM member WHERE incident ";

#[derive(Debug, FromRow)]
struct MemberRow {
    incident: i64,
    dedup_key: String,
    keyspace: String,
    source: String,
    status: String,
    began_at: Option<i64>,
    newest_at: Option<i64>,
    expires_at: Option<i64>,
}

impl Readable for MemberRow {
    type Value = Member;

    fn read(self) -> Result<Member, StoreError> {
        Ok(Member {
            incident: number(self.incident)?,
            dedup_key: self.dedup_key,
            keyspace: Keyspace::named(&self.keyspace),
            source: self.source.into(),
            status: word(&self.status)?,
            clock: SourceClock {
                began_at: optional(self.began_at, time)?,
                newest_at: optional(self.newest_at, time)?,
            },
            expires_at: optional(self.expires_at, time)?,
        })
    }
}

impl Word for MemberStatus {
    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

#[async_trait]
impl<L: Asks> Groups for L {
    async fn members(&mut self, numbers: &[u64]) -> Result<Vec<Member>, StoreError> {
        let ask = Ask::new(COLUMNS).push("IN (");
        let ask = ask.among_numbers(numbers.iter().copied());
        read_all(self.ask::<MemberRow>(ask.push(") ORDER BY incident, dedup_key, keyspace")).await?)
    }

    async fn put_members(&mut self, members: &[Member]) -> Result<(), StoreError> {
        for some in members.chunks(AT_ONCE) {
            let ask = Ask::new(
                "INSERT INTO member (incident, dedup_key, keyspace, source, status, began_at, newest_at, expires_at) VALUES ",
            );
            let ask = ask.each(some, ", ", written);
            let ask = ask.push(
                " ON CONFLICT (incident, dedup_key, keyspace) DO UPDATE SET status = excluded.status, \
                 began_at = excluded.began_at, newest_at = excluded.newest_at, \
                 expires_at = excluded.expires_at RETURNING dedup_key AS id",
            );
            self.ask::<IdRow>(ask).await?;
        }
        Ok(())
    }
}

/// What an incident of a group stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Members)]
pub struct MembersView {
    /// How many are wrong.
    pub wrong: u64,
    /// How many are over.
    pub over: u64,
    /// At most [`MOST_MEMBERS`], those that are wrong first, each kind by key.
    pub data: Vec<MemberView>,
}

/// So many members are told.
pub const MOST_MEMBERS: usize = 200;

/// One of the things that an incident stands for, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
#[expect(missing_docs, reason = "named as in the API, where they are described")]
pub struct MemberView {
    pub dedup_key: String,
    pub source: String,
    pub status: MemberStatus,
    /// When it went wrong, if its source says when.
    pub began_at: Option<Timestamp>,
    /// The newest moment its source spoke of.
    pub newest_at: Option<Timestamp>,
    /// It is over by then, unless it is said again before.
    pub expires_at: Option<Timestamp>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            dedup_key: member.dedup_key,
            source: member.source.to_string(),
            status: member.status,
            began_at: member.clock.began_at,
            newest_at: member.clock.newest_at,
            expires_at: member.expires_at,
        }
    }
}

/// What an incident of a group stands for.
pub(super) async fn view(source: &impl Fetch, number: u64) -> Result<Option<MembersView>, StoreError> {
    let ask = Ask::new("SELECT status, count(*) AS count FROM member WHERE incident = ");
    let counts =
        read_all(source.fetch::<StandingRow>(ask.number(column(number)).push(" GROUP BY status")).await?)?;
    if counts.is_empty() {
        return Ok(None);
    }
    let count =
        |status| counts.iter().filter(|(counted, _)| *counted == status).map(|(_, count)| count).sum();
    // The words of the store: "wrong" is behind "over".
    let ask = Ask::new(COLUMNS).push("= ").number(column(number));
    let ask = ask.push(" ORDER BY status DESC, dedup_key, keyspace LIMIT ").number(MOST_MEMBERS as i64);
    let members = read_all(source.fetch::<MemberRow>(ask).await?)?;
    Ok(Some(MembersView {
        wrong: count(MemberStatus::Wrong),
        over: count(MemberStatus::Over),
        data: members.into_iter().map(Into::into).collect(),
    }))
}

#[derive(Debug, FromRow)]
struct StandingRow {
    status: String,
    count: i64,
}

impl Readable for StandingRow {
    type Value = (MemberStatus, u64);

    fn read(self) -> Result<Self::Value, StoreError> {
        Ok((word(&self.status)?, number(self.count)?))
    }
}

/// One member as a row.
fn written(ask: Ask, member: &Member) -> Ask {
    let ask = ask.push("(").number(column(member.incident)).push(", ").text(&member.dedup_key);
    let ask = ask.push(", ").text(member.keyspace.name(&member.source)).push(", ").text(&member.source);
    let ask = ask.push(", ").text(member.status.as_str());
    let moments = [member.clock.began_at, member.clock.newest_at, member.expires_at];
    let moment = |ask: Ask, moment: Option<Timestamp>| match moment {
        Some(moment) => ask.push(", ").number(moment.as_millisecond()),
        None => ask.push(", NULL"),
    };
    moments.into_iter().fold(ask, moment).push(")")
}

/// So many are written in one statement.
const AT_ONCE: usize = 500;
