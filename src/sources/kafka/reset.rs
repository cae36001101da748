//! A record that was to come next and is not there any more. librdkafka goes on with the oldest one
//! by itself, and tells it in its log alone, so that line is read here. It is librdkafka's of the
//! version we build; a test against a broker notices if it ever reads differently.

/// A partition that went on somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) partition: i32,
    /// What was to come next.
    pub(super) wanted: i64,
    /// What comes instead, if that is known already.
    pub(super) oldest: Option<i64>,
}

impl Reset {
    /// Of a line such as `topic [3]: offset reset (at offset 7 (leader epoch 0), broker 1) to cached
    /// BEGINNING offset offset 12 (leader epoch -1): why`.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (place, rest) = line.split_once("]: offset reset (at offset ")?;
        let (wanted, rest) = rest.split_once(' ')?;
        let oldest = rest.split_once(") to ").and_then(|(_, to)| {
            let (to, _) = to.split_once(" (leader epoch")?;
            to.rsplit_once("offset ")?.1.parse().ok()
        });
        Some(Self {
            partition: place.rsplit_once('[')?.1.parse().ok()?,
            wanted: wanted.parse().ok()?,
            oldest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_read_from_its_line() {
        let why =
            "fetch failed due to requested offset not available on the broker: Broker: Offset out of range";
        let line =
            |to| format!("a.b [3]: offset reset (at offset 7 (leader epoch 0), broker 1) to {to}: {why}");
        let read = |to| Reset::read(&line(to));
        let known = Reset { partition: 3, wanted: 7, oldest: Some(12) };
        assert_eq!(read("cached BEGINNING offset offset 12 (leader epoch -1)"), Some(known));
        assert_eq!(read("offset BEGINNING (leader epoch -1)"), Some(Reset { oldest: None, ..known }));
        assert_eq!(Reset::read("a.b [3]: offset commit failed"), None);
    }
}
