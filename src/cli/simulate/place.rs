//! Where past events are, as `--from` says it.

use std::path::{Path, PathBuf};

use super::super::client::name;

/// Where past events are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the store: of this source, or of all.
    Store(Option<String>),
    /// On the bus of a source: in all that it reads, or in one topic, stream or subject of it.
    Topic { source: String, topic: Option<String> },
    /// In a file of JSON lines; `-` is standard input.
    File(PathBuf),
}

impl Place {
    /// A word alone that is no file is a source whose records are in the store.
    pub(super) fn of(from: &str) -> Result<Self, String> {
        let named = |source: &str| {
            name(source).map_err(|_| format!("\"{source}\" in --from {from} is no name of a source"))
        };
        if from == "store" {
            return Ok(Self::Store(None));
        }
        if let Some(source) = from.strip_prefix("store:") {
            return Ok(Self::Store(Some(named(source)?)));
        }
        if let Some(place) = from.strip_prefix("topic:") {
            // Names of sources have no slash; subjects and streams may.
            let (source, topic) = match place.split_once('/') {
                Some((source, topic)) => (source, Some(topic.to_owned())),
                None => (place, None),
            };
            return Ok(Self::Topic { source: named(source)?, topic });
        }
        if from == "-" || Path::new(from).exists() {
            return Ok(Self::File(from.into()));
        }
        let source = name(from).map_err(|_| {
            format!(
                "{from} is no file: say store, store:SOURCE, topic:SOURCE or topic:SOURCE/TOPIC, or name a file"
            )
        })?;
        Ok(Self::Store(Some(source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_store_a_bus_or_a_file() {
        let source = |name: &str| Ok(Place::Store(Some(name.to_owned())));
        assert_eq!(Place::of("store"), Ok(Place::Store(None)));
        assert_eq!(Place::of("store:shop"), source("shop"));
        assert_eq!(Place::of("shop"), source("shop"), "as it always was");
        let topic = |topic: Option<&str>| {
            Ok(Place::Topic { source: "shop".to_owned(), topic: topic.map(str::to_owned) })
        };
        assert_eq!(Place::of("topic:shop"), topic(None));
        assert_eq!(Place::of("topic:shop/orders"), topic(Some("orders")));
        assert_eq!(Place::of("topic:shop/a/b"), topic(Some("a/b")));
        assert_eq!(Place::of("-"), Ok(Place::File("-".into())));
        assert_eq!(Place::of("Cargo.toml"), Ok(Place::File("Cargo.toml".into())));
        for wrong in ["store:", "topic:", "topic:/x", "store:a b", "no/such/file"] {
            assert!(Place::of(wrong).is_err(), "{wrong}");
        }
    }
}
