//! What an error of Redis means for a source: try again, or tell the operator.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::sources::SourceError;

/// The source cannot go on as it is.
pub(super) fn judge(error: &RedisError) -> SourceError {
    let words = in_words(error);
    match error.kind() {
        ErrorKind::AuthenticationFailed => refused_login(&words),
        ErrorKind::InvalidClientConfig => SourceError::Refused(words),
        ErrorKind::Server(ServerErrorKind::NoPerm) => SourceError::Refused(format!(
            "not allowed: {words}; the user needs XREADGROUP, XGROUP, XACK, XCLAIM, XAUTOCLAIM and XINFO on the \
             source's streams"
        )),
        _ => match error.code() {
            Some("NOAUTH" | "WRONGPASS") => refused_login(&words),
            Some("WRONGTYPE") => {
                SourceError::Refused("there is a key of this name that is no stream".to_owned())
            }
            _ if words.contains("unknown command") => {
                SourceError::Refused(format!("this server is too old for the source: {words}"))
            }
            _ if words.contains("certificate") => SourceError::Refused(format!(
                "no trusted TLS connection: {words}; its certificate has to be signed by the source's tls.ca_file \
                 and be for this name"
            )),
            _ => SourceError::Lost(words),
        },
    }
}

fn refused_login(words: &str) -> SourceError {
    SourceError::Refused(format!("Redis refuses the source's user or password: {words}"))
}

/// The stream or its group is not there any more.
pub(super) fn is_gone(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")) || in_words(error).contains("no such key")
}

/// What Redis or its client said, on one line.
pub(super) fn in_words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some("ERR"), Some(detail)) => detail.to_owned(),
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string().replace('\n', " "),
    }
}
