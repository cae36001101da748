//! A record that could not become an event, on its way to a topic of such records.

use std::sync::Arc;

use super::ids::DeadLetterId;
use super::names::SourceName;

/// One such record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The id it is kept by.
    pub id: DeadLetterId,
    /// Which source.
    pub source: SourceName,
    /// Where in it, as it is written in the store.
    pub position: String,
    /// One word.
    pub reason: String,
    /// How often it came back from such a topic.
    pub came_back: u32,
    /// Its bytes.
    pub raw: Arc<[u8]>,
}

/// One that came back more often than this is kept here alone.
pub const MOST_ROUNDS: u32 = 3;

/// The header that counts.
pub const ROUNDS: &str = "foghorn-rounds";

impl Letter {
    /// What goes along with its bytes: where it came from, why it is here, and how often it was.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("foghorn-dead-letter-id", self.id.to_string()),
            ("foghorn-source", self.source.to_string()),
            ("foghorn-reason", self.reason.clone()),
            (ROUNDS, self.came_back.to_string()),
        ];
        match origin(&self.position) {
            Some((topic, partition, offset)) => {
                let names = ["foghorn-topic", "foghorn-partition", "foghorn-offset"];
                headers.extend(names.into_iter().zip([topic, partition, offset].map(str::to_owned)));
            }
            None => headers.push(("foghorn-position", self.position.clone())),
        }
        headers
    }
}

/// `incidents/0/17@1700000000000`
fn origin(position: &str) -> Option<(&str, &str, &str)> {
    let (place, _) = position.rsplit_once('@')?;
    let (rest, offset) = place.rsplit_once('/')?;
    let (topic, partition) = rest.rsplit_once('/')?;
    Some((topic, partition, offset))
}

/// How often a record with this header came back.
pub fn came_back(rounds: Option<&str>) -> u32 {
    // A count that is none is not ours, but the record came from such a topic all the same.
    rounds.map_or(0, |text| text.parse::<u32>().unwrap_or(0).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_letter_says_where_it_came_from_and_each_round_counts() {
        let letter = Letter {
            id: DeadLetterId::new(Timestamp::UNIX_EPOCH, 1),
            source: "kafka".into(),
            position: "incidents.v1/2/17@1700000000000".to_owned(),
            reason: "parse".to_owned(),
            came_back: 2,
            raw: Arc::from([]),
        };
        let of = |letter: &Letter, name: &str| {
            letter.headers().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        for (name, value) in [
            ("foghorn-source", "kafka"),
            ("foghorn-topic", "incidents.v1"),
            ("foghorn-partition", "2"),
            ("foghorn-offset", "17"),
            ("foghorn-reason", "parse"),
        ] {
            assert_eq!(of(&letter, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(came_back(of(&letter, ROUNDS).as_deref()), 3);
        assert_eq!((came_back(None), came_back(Some("x"))), (0, 1));
        let by_request = Letter { position: "evt_1".to_owned(), ..letter };
        assert_eq!(of(&by_request, "foghorn-position").as_deref(), Some("evt_1"));
        assert_eq!(of(&by_request, "foghorn-topic"), None);
    }
}
