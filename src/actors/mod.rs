//! The doers. Each is a thin shell: it receives a message, asks the domain, and tells somebody.
//!
//! ```text
//! supervisor
//! ├── status          the single writer of the store; group commit
//! ├── dlq             dead letters
//! ├── pool (email)    one for each channel
//! │   └── worker 0…n  one attempt at a time; may die freely
//! ├── router          plans who hears
//! ├── ingest (topic)  one for each topic, one for each HTTP source
//! ├── sweeper         finds due rows that nobody armed
//! └── publisher (bus) hands events out, one for each sink
//! ```
//!
//! They start in this order and drain in the reverse one. What an actor holds in memory is a copy of
//! rows, or is held by its sender too until a row exists: any of them may die at any message (I18).

pub mod born;
pub mod credits;
pub mod delivery;
pub mod dlq;
pub mod ingest;
pub mod publisher;
pub mod router;
pub mod status;
pub mod supervisor;
pub mod sweeper;
