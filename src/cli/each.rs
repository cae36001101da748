//! What is done to several, one after the other.

use std::io::Write;

use super::Exit;
use super::client::Session;
use super::connection::Failure;

/// Does it to each; one that fails stops nothing, unless it is what all of them go through that failed.
pub(super) async fn each<T, W: Write>(
    all: &[T],
    session: &mut Session<W>,
    one: impl AsyncFn(&T, &mut Session<W>) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for item in all {
        match one(item, session).await {
            Ok(()) => {}
            Err(failure @ (Failure::Output(_) | Failure::Unreachable(_))) => return Err(failure),
            Err(failure) => {
                failure.tell();
                exit = failure.exit();
            }
        }
    }
    Ok(exit)
}
