//! Where an actor is reached, and how much waits for it there.

use std::fmt;

use ractor::{ActorId, ActorRef, Message, RpcReplyPort};
use tokio::time::Duration;

use crate::telemetry::actor::ActorLife;

/// An actor's address, with the statistics of its life: who tells it something counts it.
pub struct Post<M: Message> {
    actor: ActorRef<M>,
    life: ActorLife,
}

impl<M: Message> Post<M> {
    /// The post of an actor that was started with this life.
    pub fn new(actor: ActorRef<M>, life: ActorLife) -> Self {
        Self { actor, life }
    }

    /// Which life of which actor this is.
    pub fn id(&self) -> ActorId {
        self.actor.get_id()
    }

    /// The actor behind it, for supervision.
    pub fn actor(&self) -> &ActorRef<M> {
        &self.actor
    }

    /// Says `message`. If the actor is dead, the message is dropped: whoever must not lose it holds
    /// it until it is answered, and says it again when it is introduced anew.
    pub fn tell(&self, message: M) {
        self.life.received();
        if self.actor.send_message(message).is_err() {
            self.life.refused();
        }
    }

    /// Asks and waits; `None` if there is no answer within `patience`.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(RpcReplyPort<R>) -> M,
        patience: Duration,
    ) -> Option<R> {
        self.life.received();
        match self.actor.call(question, Some(patience)).await {
            Ok(ractor::rpc::CallResult::Success(answer)) => Some(answer),
            Ok(_) => None,
            Err(_) => {
                self.life.refused();
                None
            }
        }
    }
}

/// Says `message` to somebody who may not be there yet.
pub fn tell<M: Message>(post: Option<&Post<M>>, message: M) {
    if let Some(post) = post {
        post.tell(message);
    }
}

impl<M: Message> Clone for Post<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), life: self.life.clone() }
    }
}

impl<M: Message> fmt::Debug for Post<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Post").field(self.life.name()).finish()
    }
}
