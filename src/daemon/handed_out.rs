//! What of the parts is handed out: to whoever asks what a Foghorn works by, and to its actors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{ChannelPart, Parts, SourcePart};
use crate::domain::names::{ChannelName, SourceName};
use crate::domain::routes::RouteTable;
use crate::formats::Words;
use crate::messages::IngestKey;
use crate::messages::delivery::Equipment;
use crate::messages::in_use::{InUse, WayOut};
use crate::messages::ingest::Intake;
use crate::messages::renewal::Renewal;
use crate::telemetry::handles::{ConfiguredSource, SourceMetrics};

/// What is told of `parts` to those who ask.
pub(super) fn in_use(parts: &Parts, routes: &Arc<RouteTable>, words: &Arc<Words>) -> InUse {
    let way_out = |(name, part): (&ChannelName, &ChannelPart)| {
        let ChannelPart { kind, provider, channel, retry, texts, .. } = part.clone();
        (name.clone(), WayOut { kind, provider, channel, retry, texts })
    };
    InUse {
        routes: Arc::clone(routes),
        tables: Arc::clone(&parts.tables),
        words: Arc::clone(words),
        letterhead: parts.letterhead.clone(),
        tokens: parts.tokens.clone(),
        hooks: parts.hooks.clone(),
        channels: parts.channels.iter().map(way_out).collect(),
    }
}

/// What the actors are given by `parts`; nobody has to reconnect.
pub(super) fn renewal(parts: &Parts) -> Renewal {
    let equipment = |name: &ChannelName, part: &ChannelPart| Equipment {
        metrics: part.metrics(name),
        channel: Arc::clone(&part.channel),
        workers: part.workers,
        rates: part.rates,
        stand_ins: parts.routes.directory.stand_ins.get(name).cloned().unwrap_or_default(),
        retry: part.retry.clone(),
    };
    // The topics of a source count together.
    let mut metrics: BTreeMap<&SourceName, SourceMetrics> = BTreeMap::new();
    for (key, part) in &parts.sources {
        let source = ConfiguredSource { name: key.source.clone(), kind: part.kind.clone() };
        metrics.entry(&key.source).or_insert_with(|| SourceMetrics::of(&source));
    }
    let intake = |key: &IngestKey, part: &SourcePart| Intake {
        connect: part.connect.clone(),
        max_in_flight: part.max_in_flight,
        metrics: metrics[&key.source].clone(),
    };
    Renewal {
        rules: parts.rules.clone(),
        words: Arc::new(parts.words.clone()),
        routes: Arc::new(parts.routes.clone()),
        channels: parts.channels.iter().map(|(name, part)| (name.clone(), equipment(name, part))).collect(),
        sources: parts.sources.iter().map(|(key, part)| (key.clone(), intake(key, part))).collect(),
        letter_boxes: parts.letter_boxes.clone(),
        reconnect: BTreeSet::new(),
    }
}
