//! Asks a broker about the queues of a source, for `foghorn check --connect`: nothing is read, and nothing made.

use super::RabbitSettings;
use crate::amqp::{self, Trouble};
use crate::sources::SourceError;

/// Signs in and asks for every queue of `settings`. Says what it saw.
///
/// # Errors
/// [`SourceError::Lost`] if nobody answered, [`SourceError::Refused`] if the operator has to act.
pub async fn probe(settings: &RabbitSettings) -> Result<String, SourceError> {
    seen(settings).await.map_err(|trouble| match trouble {
        Trouble::Away(why) => SourceError::Lost(why),
        Trouble::Refused(why) => SourceError::Refused(why),
    })
}

async fn seen(settings: &RabbitSettings) -> Result<String, Trouble> {
    let access = settings.access();
    let connection = access.connect().await?;
    let mut queues = Vec::new();
    for queue in &settings.queues {
        queues.push(match amqp::depth(&connection, queue).await? {
            Some(waiting) => format!("{queue}({waiting})"),
            None if settings.declare => format!("{queue}(not there yet; serve makes it)"),
            None => return Err(Trouble::Refused(format!("there is no queue \"{queue}\""))),
        });
    }
    // Nobody waits for the answer: a probe has said what it has to say.
    drop(connection);
    Ok(format!("{}, queues {}", access.shown(), queues.join(" ")))
}
