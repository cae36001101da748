//! Who is on call, as people and programs ask for it: now, next, and in some weeks.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::directory::Directory;
use super::names::{TeamName, UserName};
use super::people::Team;
use super::rotation::{Because, Rotation, Shift};

/// Who of one team is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OnCall {
    /// `[teams.NAME]`
    pub team: String,
    /// On whose clocks turns change.
    pub timezone: String,
    /// Who; nobody before the first turn.
    pub user: Option<String>,
    /// Their full name.
    pub name: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Until when; not any more at this moment.
    pub until: Option<Timestamp>,
    /// Why they.
    pub because: Because,
    /// Who comes then.
    pub next: Option<Watch>,
}

/// One shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Shift)]
pub struct Watch {
    /// Who; nobody before the first turn.
    pub user: Option<String>,
    /// Their full name.
    pub name: Option<String>,
    /// From when; none before the first turn.
    pub from: Option<Timestamp>,
    /// Until when; not any more at this moment.
    pub until: Option<Timestamp>,
    /// Why they.
    pub because: Because,
}

/// The shifts of one team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Roster {
    /// `[teams.NAME]`
    pub team: String,
    /// On whose clocks turns change.
    pub timezone: String,
    /// One after the other, without a gap, each as long as it really is.
    pub shifts: Vec<Watch>,
}

impl Directory {
    /// Who is on call at `at`, in every team that takes turns.
    pub fn on_call_everywhere(&self, at: Timestamp) -> Vec<OnCall> {
        let turning =
            |(name, team): (&TeamName, &Team)| Some(self.on_call_in(name, team.rotation.as_ref()?, at));
        self.teams.iter().filter_map(turning).collect()
    }

    /// Who is on call in `team`, which has this `rotation`.
    pub fn on_call_in(&self, team: &TeamName, rotation: &Rotation, at: Timestamp) -> OnCall {
        let shift = rotation.on_call(at);
        let next = (shift.until < Timestamp::MAX).then(|| self.watch(rotation.on_call(shift.until)));
        let Watch { user, name, from, until, because } = self.watch(shift);
        let timezone = zone(rotation);
        OnCall { team: team.to_string(), timezone, user, name, since: from, until, because, next }
    }

    /// The shifts of `team`, which has this `rotation`, that have a part between two moments.
    pub fn roster(&self, team: &TeamName, rotation: &Rotation, from: Timestamp, until: Timestamp) -> Roster {
        let shifts = rotation.shifts(from, until).map(|shift| self.watch(shift)).collect();
        Roster { team: team.to_string(), timezone: zone(rotation), shifts }
    }

    fn watch(&self, shift: Shift) -> Watch {
        let full = |user: &UserName| {
            let name = self.users.get(user).map(|user| user.name.clone());
            name.filter(|name| !name.is_empty()).unwrap_or_else(|| user.to_string())
        };
        Watch {
            name: shift.user.as_ref().map(full),
            user: shift.user.map(|user| user.to_string()),
            from: Some(shift.from).filter(|from| *from > Timestamp::MIN),
            until: Some(shift.until).filter(|until| *until < Timestamp::MAX),
            because: shift.because,
        }
    }
}

/// The name of the time zone of a rotation.
pub fn zone(rotation: &Rotation) -> String {
    rotation.zone.iana_name().unwrap_or("UTC").to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::people::User;
    use crate::domain::rotation::{Override, Turn};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn directory() -> Directory {
        let rotation = Rotation {
            every: Turn::Days(7),
            starts: "2026-01-05T09:00:00".parse().expect("a date and a time"),
            zone: TimeZone::get("Europe/London").expect("a zone"),
            order: vec!["ada".into(), "grace".into()],
            overrides: vec![Override {
                user: "joan".into(),
                from: at("2026-01-10T00:00:00Z"),
                until: at("2026-01-11T00:00:00Z"),
            }],
        };
        let ada = User { name: "Ada Lovelace".to_owned(), ..User::default() };
        Directory {
            users: [("ada".into(), ada)].into(),
            teams: [
                ("payments".into(), Team { members: Vec::new(), rotation: Some(rotation) }),
                ("web".into(), Team::default()),
            ]
            .into(),
            ..Directory::default()
        }
    }

    #[test]
    fn who_is_on_call_is_told_with_who_comes_next() {
        let directory = directory();
        let told = |when: &str| {
            let all = directory.on_call_everywhere(at(when));
            let [one] = all.as_slice() else { panic!("a team that takes no turns is not told: {all:?}") };
            one.clone()
        };
        let now = told("2026-01-09T12:00:00Z");
        assert_eq!((now.team.as_str(), now.timezone.as_str()), ("payments", "Europe/London"));
        assert_eq!((now.user.as_deref(), now.name.as_deref()), (Some("ada"), Some("Ada Lovelace")));
        assert_eq!(now.since, Some(at("2026-01-05T09:00:00Z")));
        assert_eq!(now.until, Some(at("2026-01-10T00:00:00Z")), "joan stands in then");
        let next = now.next.expect("somebody");
        assert_eq!((next.user.as_deref(), next.because), (Some("joan"), Because::Override));
        let before = told("2026-01-01T00:00:00Z");
        assert_eq!((before.user, before.since, before.because), (None, None, Because::NotYet));
        assert_eq!(before.next.and_then(|next| next.user).as_deref(), Some("ada"));
    }
}
