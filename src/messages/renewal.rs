//! A configuration that takes the place of another while everything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::IngestKey;
use super::delivery::Equipment;
use super::ingest::Intake;
use crate::domain::acceptance::IncidentRules;
use crate::domain::names::ChannelName;
use crate::domain::routes::RouteTable;
use crate::formats::Words;
use crate::sources::LetterBoxes;

/// What the tree of actors is given by a configuration, whole and known to be valid.
#[derive(Debug)]
pub struct Renewal {
    /// `[incidents]`
    pub rules: IncidentRules,
    /// How records are read.
    pub words: Arc<Words>,
    /// Who hears of what.
    pub routes: Arc<RouteTable>,
    /// Every way out.
    pub channels: BTreeMap<ChannelName, Equipment>,
    /// Every way in.
    pub sources: BTreeMap<IngestKey, Intake>,
    /// Where the dead letters of sources go, too.
    pub letter_boxes: LetterBoxes,
    /// Those of them that have to be left and entered anew, because they are configured differently.
    pub reconnect: BTreeSet<IngestKey>,
}
