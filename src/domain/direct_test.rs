//! Who would hear of a direct notification that nobody asked for: the plan that the router makes of a real
//! one, and nobody is told anything.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::event::NotificationRequest;
use super::retry::later;
use super::route_test::{NotTold, Told};
use super::routes::RouteTable;
use super::suppression::Suppressions;

/// What would be done about a direct notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NotificationAnswer)]
pub struct DirectAnswer {
    /// Who would hear; `after_s` counts from the moment that it comes.
    pub told: Vec<Told>,
    /// Who is meant and would not hear.
    pub withheld: Vec<NotTold>,
    /// It reaches nobody at all, not even somebody who does not want it: it would be a dead letter.
    pub is_unroutable: bool,
}

impl RouteTable {
    /// Who would hear if this were asked for at `now`.
    pub fn would_tell(&self, body: &NotificationRequest, now: Timestamp) -> DirectAnswer {
        let due = body.send_at.unwrap_or_else(|| later(now, body.digest.unwrap_or_default()));
        let (told, withheld, is_unroutable) = match self.plan_direct(body, now, &Suppressions::default()) {
            Ok(plan) => (plan.deliveries, plan.withheld, false),
            Err(unroutable) => (Vec::new(), unroutable.0, true),
        };
        DirectAnswer {
            told: told.iter().map(|planned| Told::of(planned, now, due)).collect(),
            withheld: withheld.into_iter().map(NotTold::of).collect(),
            is_unroutable,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::domain::directory::Reach;
    use crate::domain::event::{Priority, RequestText};
    use crate::domain::owner::Whose;
    use crate::domain::people::Contact;

    fn request(to: &str) -> NotificationRequest {
        NotificationRequest {
            to: vec![to.to_owned()],
            via: vec!["email".into()],
            whose: Whose::default(),
            of: None,
            text: RequestText::Plain { subject: "s".to_owned(), body: "b".to_owned() },
            priority: Priority::default(),
            send_at: None,
            expires_at: None,
            digest: Some(Duration::from_secs(60)),
        }
    }

    #[test]
    fn whoever_nobody_can_reach_makes_a_dead_letter_and_what_waits_says_how_long() {
        let mut table = RouteTable::default();
        let nobody = table.would_tell(&request("ada@example.com"), Timestamp::UNIX_EPOCH);
        assert!(nobody.is_unroutable && nobody.told.is_empty(), "{nobody:?}");
        assert_eq!(nobody.withheld.len(), 1);
        let email = Reach { contact: Contact::Email, max_age: Duration::from_secs(3_600) };
        table.directory.channels = BTreeMap::from([("email".into(), email)]);
        let told = table.would_tell(&request("ada@example.com"), Timestamp::UNIX_EPOCH);
        assert_eq!((told.told.len(), told.told[0].after_s, told.is_unroutable), (1, 60, false), "{told:?}");
    }
}
