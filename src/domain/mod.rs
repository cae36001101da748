//! The language of Foghorn, and every decision it takes, as plain values and pure functions.
//!
//! Nothing in here waits, sends, stores or looks at a clock: time comes in as an argument and a
//! decision goes out as a value. That is what lets the rules be tested as tables and literal lists.
//!
//! | word | meaning |
//! |---|---|
//! | *event* | what came in from a source |
//! | *incident* | what is wrong; has a number people can say aloud |
//! | *notification* | a decision to tell someone something |
//! | *delivery* | one notification, one recipient, one channel: the unit of retry |
//! | *attempt* | one call of a provider |
//! | *dead letter* | a delivery that ran out, or an event nobody could parse |
//! | *route → policy → step* | which incidents → who hears, when |

pub mod acceptance;
pub mod action;
pub mod audit;
pub mod bulk;
pub mod bundle;
pub mod button;
pub mod caution;
pub mod dedup;
pub mod delivery;
pub mod direct_test;
pub mod directory;
pub mod event;
pub mod fault;
pub mod group;
pub mod handling;
pub mod handover;
pub mod hearing;
pub mod idempotency;
pub mod ids;
pub mod in_flight;
pub mod incident;
pub mod lane;
pub mod late;
pub mod letter;
pub mod malformed;
pub mod names;
pub mod notice;
pub mod notification;
pub mod offsets;
pub mod on_call;
pub mod outgoing;
pub mod owner;
pub mod pattern;
pub mod people;
pub mod policy;
pub mod query;
pub mod quiet;
pub mod rate;
pub mod receipt;
pub mod record;
pub mod restarts;
pub mod retention;
pub mod retry;
pub mod rotation;
pub mod route_test;
pub mod routes;
pub mod session;
pub mod severity;
pub mod silence;
pub mod suggest;
pub mod suppression;
pub mod timer;
pub mod token;
pub mod transition;
pub mod way;
pub mod withheld;

pub use jiff::Timestamp;
