//! Who did what: a line for each request that changes something.

use serde::Serialize;

use super::Timestamp;
use super::ids::AuditId;

/// One request, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When it was answered.
    pub at: Timestamp,
    /// The name of the token or of whoever is signed in, or how somebody came in who needs none; empty if nobody
    /// knows, of a try to sign in.
    pub who: String,
    /// The address it came from; empty over the socket.
    pub from: String,
    /// The method and the template of the path: what was asked for.
    pub action: String,
    /// The path itself: of what.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// The id in the log.
    pub request_id: String,
}
