//! What the answers of APNs mean.

use std::time::Duration;

use crate::channels::codes::{Codes, Meaning, Rule, Status, rule};
use crate::domain::fault::Scope;

/// Reasons as Apple lists them, and each status of theirs without one.
pub(in crate::channels) const CODES: Codes =
    Codes { provider: "apns", source: "Apple: Handling notification responses from APNs", rules: RULES };

/// How long the channel rests if Apple finds that its credential changes too often.
const CALM: Duration = Duration::from_secs(60);

const OTHER_APP: &str =
    "the device is there, but not for this app or environment: check topic and environment";
const TOPIC: &str = "Apple does not take the topic: it has to be the bundle id that the key is for";
const KEY: &str = "Apple does not take the key: check team_id, key_id, key and environment";
const HEADER: &str = "a header of the message is not as it should be";
const ADDRESS: &str = "this is not the address of APNs: check base_url";
const GONE: &str = "the app is no longer on the device";
const UNWELL: &str = "APNs is unwell";

const RULES: &[Rule] = &[
    rule(Status::Is(400), "BadDeviceToken", Meaning::QuarantineTarget, OTHER_APP),
    rule(Status::Is(400), "DeviceTokenNotForTopic", Meaning::QuarantineTarget, OTHER_APP),
    rule(Status::Is(400), "BadTopic", Meaning::ChannelFault, TOPIC),
    rule(Status::Is(400), "MissingTopic", Meaning::ChannelFault, TOPIC),
    rule(Status::Is(400), "TopicDisallowed", Meaning::ChannelFault, TOPIC),
    rule(Status::Is(400), "BadCollapseId", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "BadExpirationDate", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "BadMessageId", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "BadPriority", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "DuplicateHeaders", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "InvalidPushType", Meaning::MessageFault, HEADER),
    rule(Status::Is(400), "MissingDeviceToken", Meaning::MessageFault, "no device is named"),
    rule(Status::Is(400), "PayloadEmpty", Meaning::MessageFault, "the message is empty"),
    rule(Status::Is(400), "IdleTimeout", Meaning::Retry, "the connection was idle for too long"),
    rule(Status::Is(400), "", Meaning::MessageFault, "APNs does not take the message as it is"),
    rule(Status::Is(403), "BadCertificate", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "BadCertificateEnvironment", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "BadEnvironmentKeyIdInToken", Meaning::ChannelFault, KEY),
    rule(
        Status::Is(403),
        "ExpiredProviderToken",
        Meaning::RenewCredential,
        "the provider token has run out: check this machine's clock",
    ),
    rule(Status::Is(403), "Forbidden", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "InvalidProviderToken", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "MissingProviderToken", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "UnrelatedKeyIdInToken", Meaning::ChannelFault, KEY),
    rule(Status::Is(403), "", Meaning::ChannelFault, KEY),
    rule(Status::Is(404), "BadPath", Meaning::ChannelFault, ADDRESS),
    rule(Status::Is(404), "", Meaning::ChannelFault, ADDRESS),
    rule(Status::Is(405), "MethodNotAllowed", Meaning::ChannelFault, ADDRESS),
    rule(Status::Is(405), "", Meaning::ChannelFault, ADDRESS),
    rule(Status::Is(410), "ExpiredToken", Meaning::DropTarget, GONE),
    rule(Status::Is(410), "Unregistered", Meaning::DropTarget, GONE),
    rule(Status::Is(410), "", Meaning::DropTarget, GONE),
    rule(Status::Is(413), "PayloadTooLarge", Meaning::MessageFault, "the message is longer than 4096 bytes"),
    rule(
        Status::Is(429),
        "TooManyProviderTokenUpdates",
        Meaning::Throttle(Scope::Channel, CALM),
        "the provider token changes too often: no other program should use the same key",
    ),
    rule(
        Status::Is(429),
        "TooManyRequests",
        Meaning::Throttle(Scope::Recipient, Duration::ZERO),
        "too many messages to this device",
    ),
    rule(Status::Is(500), "InternalServerError", Meaning::Retry, UNWELL),
    rule(Status::Is(503), "ServiceUnavailable", Meaning::Retry, UNWELL),
    rule(Status::Is(503), "Shutdown", Meaning::Retry, "APNs shuts a server down"),
];
