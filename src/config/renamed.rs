//! Names that were tried before the ones that are. Whoever brings one is told the new name; where
//! the value means the same there, it is taken over.

use super::problem::{Code, Problem};
use super::report::Report;
use super::tree::{Entry, Place, Table};

/// What becomes of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// It means the same under the new name.
    TakenOver,
    /// It meant something else: why it cannot be taken over.
    Ignored(&'static str),
}

/// Old table and key, the new path, and what becomes of the value. An empty key is a whole table.
const RENAMED: [(&str, &str, &str, Value); 12] = [
    (
        "delivery",
        "max_retries",
        "delivery.retry.max_attempts",
        Value::Ignored("the first attempt counts too: one more than max_retries"),
    ),
    (
        "delivery",
        "retry_schedule",
        "delivery.retry",
        Value::Ignored("waits double from base to cap; see [delivery.retry]"),
    ),
    ("delivery", "max_attempts", "delivery.retry.max_attempts", Value::TakenOver),
    ("delivery", "max_age", "delivery.retry.max_age", Value::TakenOver),
    ("delivery", "jitter", "delivery.retry.jitter", Value::TakenOver),
    ("http", "bind", "http.listen", Value::TakenOver),
    ("server", "base_url", "server.public_url", Value::TakenOver),
    ("server", "drain_timeout", "server.shutdown_grace", Value::TakenOver),
    ("store", "dsn", "store.url", Value::TakenOver),
    ("", "log", "telemetry.logs", Value::TakenOver),
    ("", "logging", "telemetry.logs", Value::TakenOver),
    ("", "metrics", "telemetry.metrics", Value::TakenOver),
];

/// Puts what stands under an old name where it belongs.
pub(super) fn rename(tree: &mut Table, report: &mut Report<'_>) {
    for (table, key, new, value) in RENAMED {
        let home = match table {
            "" => Some(&mut *tree),
            table => tree.existing(table),
        };
        // A variable that is not known is told as such.
        let is_written = |entry: &Entry| entry.key == key && matches!(entry.place, Place::File(_));
        let Some(entry) = home.and_then(|home| home.remove(is_written)) else {
            continue;
        };
        let old = if table.is_empty() { format!("[{key}]") } else { format!("[{table}] {key}") };
        let taken = value == Value::TakenOver && tree.has_room(new, &entry);
        let place = entry.place.clone();
        if taken {
            tree.put_deep(new, entry);
        }
        report.beside(&place, told(&old, new, value, taken));
    }
}

fn told(old: &str, new: &str, value: Value, taken: bool) -> Problem {
    let new = match new.rsplit_once('.') {
        Some((table, key)) if !matches!(new, "telemetry.logs" | "telemetry.metrics" | "delivery.retry") => {
            format!("[{table}] {key}")
        }
        _ => format!("[{new}]"),
    };
    let (fate, why) = match value {
        Value::TakenOver if taken => {
            ("is taken for it", "write the new name; this one is understood for now")
        }
        Value::TakenOver => ("is ignored", "both are written; remove the old one"),
        Value::Ignored(why) => ("is ignored", why),
    };
    Problem::new(Code::Renamed, format!("{old} is {new} now, and {fate}")).label(why)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::settings::Config;

    /// The configuration, and what it is warned of, one a line.
    fn read(text: &str) -> (Config, String) {
        let loaded = Config::parse(text, None, &BTreeMap::new()).expect("only warnings");
        (loaded.config, loaded.warnings.iter().map(|warning| warning.render() + "\n").collect())
    }

    #[test]
    fn what_means_the_same_is_taken_over_and_said() {
        let text = "server.base_url = 'https://f.example'\nhttp.bind = '127.0.0.1:1'\n[log]\nlevel = 'debug'\n\
                    [delivery]\nmax_age = '1h'\n";
        let (config, told) = read(text);
        assert_eq!(config.server.public_url, "https://f.example");
        assert_eq!(config.http.listen.port(), 1);
        assert_eq!(config.logs.level, "debug");
        assert_eq!(told.matches("is taken for it").count(), 4, "{told}");
        assert!(told.contains("[server] base_url is [server] public_url now"), "{told}");
        assert!(told.contains("[log] is [telemetry.logs] now"), "{told}");
    }

    #[test]
    fn what_meant_something_else_is_ignored_and_said() {
        let (_, told) = read("[delivery]\nmax_retries = 3\nretry_schedule = ['5s']\n");
        assert!(
            told.contains("[delivery] max_retries is [delivery.retry] max_attempts now, and is ignored"),
            "{told}"
        );
        assert!(told.contains("[delivery] retry_schedule is [delivery.retry] now, and is ignored"), "{told}");
    }

    #[test]
    fn the_new_name_wins_over_the_old_one() {
        let (config, told) = read("[server]\nshutdown_grace = '5s'\ndrain_timeout = '9s'\n");
        assert_eq!(config.server.shutdown_grace, Duration::from_secs(5));
        assert!(told.contains("both are written"), "{told}");
    }
}
