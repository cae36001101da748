//! What an error of librdkafka means for a source.
//!
//! librdkafka reports everything it notices and mends most of it by itself. Four kinds
//! matter: no broker is left, records cannot be read, this consumer is finished, or the operator has
//! to act.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::brokers::in_words;
use crate::sources::SourceError;

/// What to do about it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// librdkafka is at it.
    Passing,
    /// No broker answers.
    Unreachable,
    /// A broker's answer cannot be taken apart into records.
    Unreadable(String),
    /// This consumer will not go on.
    Over(SourceError),
}

/// What `error` means for the consumer of `topic`. `reason` is librdkafka's own text about it.
pub(super) fn judge(error: &KafkaError, topic: &str, reason: Option<&str>) -> Trouble {
    let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    if let KafkaError::MessageConsumptionFatal(code) = error {
        return Trouble::Over(SourceError::Lost(format!("the consumer failed ({code}){because}")));
    }
    let Some(code) = error.rdkafka_error_code() else {
        return Trouble::Passing;
    };
    let refused = |text: String| Trouble::Over(SourceError::Refused(text));
    match code {
        RDKafkaErrorCode::AllBrokersDown => Trouble::Unreachable,
        RDKafkaErrorCode::PollExceeded | RDKafkaErrorCode::FencedInstanceId => Trouble::Over(
            SourceError::Lost(format!("the consumer group went on without us ({code}){because}")),
        ),
        RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownTopicId
        | RDKafkaErrorCode::InvalidTopic => {
            refused(format!("there is no topic \"{topic}\": create it, or correct the source's topics"))
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            refused(format!("not allowed to read topic \"{topic}\": the user needs Read and Describe on it"))
        }
        RDKafkaErrorCode::GroupAuthorizationFailed => {
            refused(format!("not allowed to join the consumer group: the user needs Read on it{because}"))
        }
        RDKafkaErrorCode::ClusterAuthorizationFailed => {
            refused(format!("not allowed on this cluster{because}"))
        }
        RDKafkaErrorCode::Authentication
        | RDKafkaErrorCode::SaslAuthenticationFailed
        | RDKafkaErrorCode::UnsupportedSASLMechanism => {
            refused(format!("the brokers refuse the source's user or password{because}"))
        }
        RDKafkaErrorCode::SSL => refused(untrusted(reason.unwrap_or_default())),
        RDKafkaErrorCode::InvalidGroupId => refused(format!("the group_id is not valid{because}")),
        RDKafkaErrorCode::InconsistentGroupProtocol => refused(
            "other members of the group use another assignment strategy: \
             give Foghorn a group_id of its own"
                .to_owned(),
        ),
        RDKafkaErrorCode::BadCompression => Trouble::Unreadable(format!(
            "a batch of topic \"{topic}\" cannot be unpacked, and nothing behind it in its partition is read: \
             it is damaged, or larger than properties.\"receive.message.max.bytes\" once unpacked"
        )),
        RDKafkaErrorCode::MessageSizeTooLarge => Trouble::Unreadable(format!(
            "a batch of topic \"{topic}\" is too large to fetch, and nothing behind it in its partition is read: \
             raise properties.\"receive.message.max.bytes\""
        )),
        RDKafkaErrorCode::BadMessage | RDKafkaErrorCode::NotImplemented => {
            Trouble::Unreadable(format!("a batch of topic \"{topic}\" is damaged and was left out ({code})"))
        }
        _ => Trouble::Passing,
    }
}

/// Why there is no TLS. librdkafka tells all that may be wrong with a certificate in one way, and
/// names a setting that is not ours.
fn untrusted(reason: &str) -> String {
    match reason.split_once(": SSL handshake failed") {
        Some((broker, why)) if why.contains("certificate verify failed") => format!(
            "no trusted TLS connection to {broker}: its certificate is not signed by the source's tls.ca_file, \
             it has expired, it is for another name, or it is not valid yet"
        ),
        _ => format!("no trusted TLS connection: {reason}"),
    }
}

/// Why a consumer could not be made.
pub(super) fn refusal(error: &KafkaError) -> SourceError {
    SourceError::Refused(in_words(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_librdkafka_cannot_mend_ends_a_consumer() {
        let verdict = |code| match judge(&KafkaError::MessageConsumption(code), "t", None) {
            Trouble::Passing => "passing",
            Trouble::Unreachable => "unreachable",
            Trouble::Unreadable(_) => "unreadable",
            Trouble::Over(SourceError::Lost(_)) => "lost",
            Trouble::Over(SourceError::Refused(_)) => "refused",
        };
        let table = [
            (RDKafkaErrorCode::BrokerTransportFailure, "passing"),
            (RDKafkaErrorCode::Resolve, "passing"),
            (RDKafkaErrorCode::NotLeaderForPartition, "passing"),
            (RDKafkaErrorCode::RebalanceInProgress, "passing"),
            (RDKafkaErrorCode::AllBrokersDown, "unreachable"),
            (RDKafkaErrorCode::PollExceeded, "lost"),
            (RDKafkaErrorCode::UnknownTopicOrPartition, "refused"),
            (RDKafkaErrorCode::TopicAuthorizationFailed, "refused"),
            (RDKafkaErrorCode::SaslAuthenticationFailed, "refused"),
            (RDKafkaErrorCode::SSL, "refused"),
            (RDKafkaErrorCode::BadCompression, "unreadable"),
            (RDKafkaErrorCode::MessageSizeTooLarge, "unreadable"),
            (RDKafkaErrorCode::BadMessage, "unreadable"),
        ];
        for (code, expected) in table {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }

    #[test]
    fn a_certificate_is_spoken_of_in_our_own_words() {
        let reason = "ssl://kafka-1:9093/1: SSL handshake failed: error:0A000086:SSL routines::certificate \
                      verify failed: verify that ssl.ca.location is correctly configured (after 2ms)";
        let told = untrusted(reason);
        assert!(
            told.starts_with("no trusted TLS connection to ssl://kafka-1:9093/1: its certificate"),
            "{told}"
        );
        assert!(!told.contains("ssl.ca.location"), "{told}");
        assert_eq!(untrusted("closed"), "no trusted TLS connection: closed");
    }
}
