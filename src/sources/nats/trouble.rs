//! What an error of NATS means for a source: try again, or tell the operator.

use async_nats::ConnectErrorKind;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};

use super::config::Reach;
use crate::sources::SourceError;

/// No connection came about.
pub(super) fn unconnected(error: &async_nats::ConnectError) -> SourceError {
    let words = in_words(error);
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            SourceError::Refused(format!("NATS refuses the source's user, password or token: {words}"))
        }
        ConnectErrorKind::ServerParse => SourceError::Refused(words),
        _ if words.contains("certificate") => SourceError::Refused(format!(
            "no trusted TLS connection: {words}; the server's certificate has to be signed by the source's \
             tls.ca_file and be for this name"
        )),
        _ => SourceError::Lost(words),
    }
}

/// The stream was not found.
pub(super) fn no_stream(error: &GetStreamError, stream: &str) -> SourceError {
    match error.kind() {
        GetStreamErrorKind::JetStream(found) => match found.error_code() {
            ErrorCode::STREAM_NOT_FOUND => SourceError::Refused(format!(
                "there is no stream \"{stream}\": make it, or correct the source's stream"
            )),
            code => no_jetstream(code, in_words(error)),
        },
        GetStreamErrorKind::EmptyName | GetStreamErrorKind::InvalidStreamName => {
            SourceError::Refused(in_words(error))
        }
        GetStreamErrorKind::Request => SourceError::Lost(in_words(error)),
    }
}

/// The consumer was not found, or not made.
pub(super) fn no_consumer(error: &ConsumerError, reach: &Reach) -> SourceError {
    let name = &reach.consumer;
    match error.kind() {
        ConsumerErrorKind::JetStream(found) => match found.error_code() {
            ErrorCode::CONSUMER_NOT_FOUND => SourceError::Refused(format!(
                "there is no consumer \"{name}\": make it, or let the source make it (declare = true)"
            )),
            code => match no_jetstream(code, in_words(error)) {
                // Subjects that overlap, a limit of the account: waiting mends none of it.
                SourceError::Lost(words) => {
                    SourceError::Refused(format!("the consumer \"{name}\" cannot be made: {words}"))
                }
                refused @ SourceError::Refused(_) => refused,
            },
        },
        ConsumerErrorKind::InvalidConsumerType => SourceError::Refused(format!(
            "the consumer \"{name}\" pushes; the source needs one that is pulled from"
        )),
        ConsumerErrorKind::InvalidName => SourceError::Refused(in_words(error)),
        ConsumerErrorKind::TimedOut | ConsumerErrorKind::Request | ConsumerErrorKind::Other => {
            SourceError::Lost(in_words(error))
        }
    }
}

fn no_jetstream(code: ErrorCode, words: String) -> SourceError {
    match code {
        ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
            SourceError::Refused(format!("JetStream is not enabled: {words}"))
        }
        _ => SourceError::Lost(words),
    }
}

/// What the client said, on one line.
pub(super) fn in_words(error: &dyn std::fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}
