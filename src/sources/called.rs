//! What a message is called where the bus has only a number for it, or its producer a name that may be given again.
//!
//! Numbers begin again when a stream or a table is made anew, and producers repeat names. So what the message says is
//! part of what it is called: two messages are one only if both are the same (ADR 42).

use std::sync::Arc;

/// `id`, and a digest of what is `said` under it.
pub(super) fn called<'a>(id: &str, said: impl IntoIterator<Item = &'a [u8]>) -> Arc<str> {
    format!("{id}#{:016x}", digest(said)).into()
}

/// The id that a message is called by.
pub(super) fn id_of(called: &str) -> &str {
    called.rsplit_once('#').map_or(called, |(id, _)| id)
}

/// FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>. It has to be the same in every version, and to tell
/// apart what is called the same by mistake, not by malice.
pub(super) fn digest<'a>(said: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    said.into_iter()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_used_again_for_something_else_is_another_message() {
        let first = called("1-0", [&b"payload"[..], b"a"]);
        assert_eq!(&*first, "1-0#acb211196e1bcb4c", "the same in every version");
        assert_ne!(first, called("1-0", [&b"payload"[..], b"b"]));
        assert_ne!(first, called("2-0", [&b"payload"[..], b"a"]));
        assert_eq!((id_of(&first), id_of("a#b#0")), ("1-0", "a#b"));
    }
}
