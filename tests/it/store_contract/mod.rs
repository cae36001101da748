//! What every store promises, held on each of the three. A law is written once; PostgreSQL's are
//! skipped where there is no server.

mod accepting;
mod access;
mod addresses;
mod attempts;
mod bulk;
mod bundles;
mod claims;
mod deeds;
mod deletions;
mod events_out;
mod groups;
mod handling;
mod incidents;
mod keyspaces;
mod late;
mod lists;
mod queries;
mod records;
mod trials;
mod ways;
mod words;

/// Makes a test of every law on every store.
macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod memory {
            use crate::support::stores::{Subject, hold};
            $(#[tokio::test]
            async fn $law() {
                hold(Subject::memory(), super::$law).await;
            })*
        }
        mod sqlite {
            use crate::support::stores::{Subject, hold};
            $(#[tokio::test]
            async fn $law() {
                hold(Subject::sqlite().await, super::$law).await;
            })*
        }
        mod postgres {
            use crate::support::services::require;
            use crate::support::stores::{Subject, hold};
            $(#[tokio::test]
            async fn $law() {
                if require("postgres") {
                    hold(Subject::postgres().await, super::$law).await;
                }
            })*
        }
    };
}
use laws;
