//! What may be said to each actor.
