//! Starting an actor with the statistics of its life, and hearing of its end.

use ractor::{Actor, ActorCell, SpawnErr, SupervisionEvent};

use crate::messages::post::Post;
use crate::telemetry::actor::ActorLife;
use crate::telemetry::labels::ActorKind;

/// What every actor is given: its life, and its own arguments.
#[derive(Clone)]
pub struct Born<A> {
    /// The statistics of this life.
    pub life: ActorLife,
    /// The actor's own arguments.
    pub with: A,
}

/// Starts an actor under `supervisor`. It has no name in the runtime: names are global to the
/// process, and nobody is looked up by one. `name` is for logs.
///
/// # Errors
/// The actor failed before its first message, which makes no supervision event.
pub async fn bear<T, A>(
    actor: T,
    kind: ActorKind,
    name: String,
    with: A,
    supervisor: ActorCell,
) -> Result<Post<T::Msg>, SpawnErr>
where
    T: Actor<Arguments = Born<A>>,
    A: Send + 'static,
{
    let life = ActorLife::begin(kind, name);
    let born = Born { life: life.clone(), with };
    let (actor, _) = Actor::spawn_linked(None, actor, born, supervisor).await?;
    Ok(Post::new(actor, life))
}

/// Who is dead, and of what, if that is what the event tells.
pub(super) fn death(event: SupervisionEvent) -> Option<(ActorCell, String)> {
    match event {
        SupervisionEvent::ActorFailed(who, error) => Some((who, error.to_string())),
        SupervisionEvent::ActorTerminated(who, _, reason) => {
            Some((who, reason.unwrap_or_else(|| "stopped".to_owned())))
        }
        _ => None,
    }
}
