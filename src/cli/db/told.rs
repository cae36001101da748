//! What `foghorn db` says.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::{Config, SourceConfig};
use crate::store::upkeep::{Contained, Held, Integrity, Restored, Rows, Standing};

/// How a database stands, for people.
pub(super) fn standing(standing: &Standing, place: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, what: String| lines.push(format!("{name:<10} {what}"));
    line("store", format!("{}, {place}", standing.kind));
    line("schema", schema(standing));
    for step in &standing.pending {
        line("", format!("to do: {} {}", step.version, step.name));
    }
    let log = match standing.log_bytes {
        0 => String::new(),
        log => format!(" and {} of log", bytes(log)),
    };
    line("size", format!("{}{log}", bytes(standing.bytes)));
    let held = match &standing.held {
        Held::Nobody => "by nobody".to_owned(),
        Held::Process(pid) => format!("by a Foghorn (pid {pid})"),
        Held::Connections(1) => "by 1 connection of Foghorn".to_owned(),
        Held::Connections(count) => format!("by {count} connections of Foghorn"),
    };
    line("open", held);
    match &standing.integrity {
        Integrity::Unknown => {}
        Integrity::Sound => line("pages", "sound".to_owned()),
        Integrity::Damaged(what) => line("pages", format!("damaged: {}", what.join("; "))),
    }
    for (table, rows) in &standing.tables {
        let count = match rows {
            Rows::Exactly(count) => count.to_string(),
            Rows::MoreThan(count) => format!("more than {count}"),
            Rows::About(count) => format!("about {count}"),
        };
        line(table, count);
    }
    lines
}

fn schema(standing: &Standing) -> String {
    match standing.schema {
        None if standing.known == 0 => "none is needed".to_owned(),
        None => format!("none yet; this binary makes {}", standing.known),
        Some(found) if found == standing.known => format!("{found}, up to date"),
        Some(found) if found > standing.known => {
            format!("{found}, newer than this binary, which knows {}", standing.known)
        }
        Some(found) => format!("{found}, older than this binary, which knows {}", standing.known),
    }
}

/// The same for machines.
pub(super) fn standing_object(standing: &Standing, place: &str) -> Value {
    let rows: Map<String, Value> = standing
        .tables
        .iter()
        .map(|(table, rows)| {
            let rows = match rows {
                Rows::Exactly(count) => json!({ "rows": count, "exact": true }),
                Rows::MoreThan(count) => json!({ "rows": count, "exact": false, "at_least": true }),
                Rows::About(count) => json!({ "rows": count, "exact": false }),
            };
            ((*table).to_owned(), rows)
        })
        .collect();
    let (pid, connections) = match &standing.held {
        Held::Nobody => (None, None),
        Held::Process(pid) => (pid.parse::<u32>().ok(), None),
        Held::Connections(count) => (None, Some(count)),
    };
    let pending = standing.pending.iter().map(|step| json!({ "version": step.version, "name": step.name }));
    json!({
        "store": standing.kind,
        "place": place,
        "schema": standing.schema,
        "known": standing.known,
        "pending": pending.collect::<Vec<_>>(),
        "bytes": standing.bytes,
        "log_bytes": standing.log_bytes,
        "in_use": standing.held != Held::Nobody,
        "pid": pid,
        "connections": connections,
        "sound": match &standing.integrity {
            Integrity::Unknown => None,
            Integrity::Sound => Some(true),
            Integrity::Damaged(_) => Some(false),
        },
        "tables": rows,
    })
}

/// A copy, for machines.
pub(super) fn contained_object(contained: &Contained, file: &Path, took: Duration) -> Value {
    json!({
        "file": file.display().to_string(),
        "bytes": contained.bytes,
        "schema": contained.schema,
        "newest_event_at": contained.newest_event.map(|at| at.to_string()),
        "deliveries_waiting": contained.waiting,
        "deliveries_sending": contained.sending,
        "took_ms": took.as_millis(),
    })
}

/// A backup was made.
pub(super) fn backed_up(contained: &Contained, file: &Path, took: Duration) -> Vec<String> {
    let (size, took, schema) = (bytes(contained.bytes), duration(took), contained.schema);
    vec![format!("Wrote {}: {size} in {took}, schema {schema}, every page checked", file.display())]
}

/// A backup is in the place of the database.
pub(super) fn restored(restored: &Restored, file: &Path, took: Duration) -> Vec<String> {
    let contained = &restored.contained;
    let (size, took) = (bytes(contained.bytes), duration(took));
    let mut lines = vec![format!("Restored {}: {size} in {took}, every page checked", file.display())];
    if let Some(kept) = &restored.kept {
        lines.push(format!("The database that was there is {}", kept.display()));
    }
    lines
}

/// What a restore means, and what to do about it.
pub(super) fn what_follows(contained: &Contained, config: &Config) -> Vec<String> {
    let until = contained.newest_event.map_or_else(String::new, |at| format!(" (its newest event: {at})"));
    let mut lines = vec![
        String::new(),
        format!("What this means, as Foghorn now knows nothing that came after the backup{until}:"),
        format!(
            "- {} deliveries wait in it and are sent when Foghorn starts, also those that were sent since the backup.",
            contained.waiting
        ),
        format!(
            "- {} were being sent then: how that ended is unknown, and on_unknown of their channel decides.",
            contained.sending
        ),
        "- Events that were posted since are gone, unless their senders post them again.".to_owned(),
        "- Records that were read from a broker since are not read again: its offsets have moved on."
            .to_owned(),
    ];
    let moment = contained.newest_event.map_or_else(
        || "--to-earliest".to_owned(),
        |at| format!("--to-datetime {}", at.strftime("%Y-%m-%dT%H:%M:%S.000")),
    );
    let groups: Vec<String> = config.sources.values().filter_map(|source| reset(source, &moment)).collect();
    if !groups.is_empty() {
        lines.push(
            "  To have them read again, before Foghorn starts (UTC; what is in the backup counts once):"
                .to_owned(),
        );
        lines.extend(groups);
    }
    lines
}

fn reset(source: &SourceConfig, moment: &str) -> Option<String> {
    let SourceConfig::Kafka(kafka) = source else { return None };
    let topics: Vec<String> = kafka.topics.iter().map(|topic| format!("--topic {topic}")).collect();
    Some(format!(
        "  kafka-consumer-groups.sh --bootstrap-server {} --group {} {} --reset-offsets {moment} --execute",
        kafka.brokers.join(","),
        kafka.group_id,
        topics.join(" "),
    ))
}

/// A size in words.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{amount:.1} {unit}") }
}

/// A time in words.
pub(super) fn duration(took: Duration) -> String {
    match took.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{} ms", took.as_millis()),
        seconds => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_said_in_words() {
        let sizes = [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 << 30, "5.0 GiB")];
        for (size, words) in sizes {
            assert_eq!(bytes(size), words);
        }
        assert_eq!(duration(Duration::from_millis(999)), "999 ms");
        assert_eq!(duration(Duration::from_millis(1500)), "1.5 s");
    }
}
