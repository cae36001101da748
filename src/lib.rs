//! Foghorn turns events on a message bus into incidents, makes sure the right people hear about
//! them, and never loses one.
//!
//! The house has floors, and a module imports only from floors below its own:
//!
//! ```text
//! 6  cli                        the command line
//! 5  daemon                     the process: start, drain
//! 4  actors, http               who does it: supervised actors; the API beside them
//! 3  config, messages           how it is set up; what may be said to each actor
//! 2  channels, sources, store   the outside world: out, in, and the truth
//! 1  telemetry, formats, render logs and metrics; bytes to domain; domain to words;
//!    brokers, amqp              how a Kafka-protocol broker is talked to; how RabbitMQ is
//!    feed                       what was committed, to those who watch
//! 0  domain, clock, catalogue   values and decisions, no I/O, no clock; what each error means
//! ```
//!
//! `ARCHITECTURE.md` tells the flow of a record and what is guaranteed when.

pub mod actors;
pub mod amqp;
pub mod brokers;
pub mod catalogue;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod feed;
pub mod formats;
pub mod http;
pub mod messages;
pub mod render;
pub mod sources;
pub mod store;
pub mod telemetry;
