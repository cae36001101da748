//! What the answers of FCM mean, and those of Google's token endpoint.

use std::time::Duration;

use crate::channels::codes::{Codes, Meaning, Rule, Status, rule};
use crate::domain::fault::Scope;

/// By the error code in the answer's details; the status says less, and says it differently.
pub(in crate::channels) const CODES: Codes =
    Codes { provider: "fcm", source: "Firebase: FCM error codes, HTTP v1", rules: RULES };

/// `INVALID_ARGUMENT`, if the argument is the device's token.
pub(super) const INVALID_TOKEN: &str = "INVALID_ARGUMENT message.token";

/// What Google asks for where it names no time.
const MINUTE: Duration = Duration::from_secs(60);

const QUOTA: &str = "the project's quota is used up";

const RULES: &[Rule] = &[
    rule(Status::Any, "UNREGISTERED", Meaning::DropTarget, "the app is no longer on the device"),
    rule(Status::Any, INVALID_TOKEN, Meaning::DropTarget, "the address is no registration token"),
    rule(Status::Any, "INVALID_ARGUMENT", Meaning::MessageFault, "FCM does not take the message as it is"),
    rule(
        Status::Any,
        "SENDER_ID_MISMATCH",
        Meaning::QuarantineTarget,
        "the device belongs to another project: check service_account",
    ),
    rule(Status::Any, "QUOTA_EXCEEDED", Meaning::Throttle(Scope::Channel, MINUTE), QUOTA),
    rule(Status::Any, "UNAVAILABLE", Meaning::Retry, "FCM is overloaded"),
    rule(Status::Any, "INTERNAL", Meaning::Retry, "FCM is unwell"),
    rule(
        Status::Any,
        "THIRD_PARTY_AUTH_ERROR",
        Meaning::ChannelFault,
        "the project's own credential for APNs or web push is refused: mend it in the Firebase console",
    ),
    rule(
        Status::Any,
        "UNSPECIFIED_ERROR",
        Meaning::RenewCredential,
        "FCM does not say what is wrong, with a new access token neither",
    ),
    rule(Status::Is(401), "", Meaning::RenewCredential, "the access token is refused: check service_account"),
    rule(
        Status::Is(403),
        "",
        Meaning::ChannelFault,
        "the service account may not send: give it the role Firebase Cloud Messaging API Admin",
    ),
    rule(Status::Is(404), "", Meaning::ChannelFault, "FCM knows no such project: check project"),
    rule(Status::Is(429), "", Meaning::Throttle(Scope::Channel, MINUTE), QUOTA),
];

/// Whoever asks for an access token has sent nothing yet, so nothing here is ever a message's fault.
pub(in crate::channels) const ACCESS_CODES: Codes = Codes {
    provider: "google-oauth",
    source: "RFC 6749 §5.2, Google: Using OAuth 2.0 for Server to Server Applications",
    rules: ACCESS_RULES,
};

const ACCOUNT: &str = "Google does not take the service account: check service_account";

const ACCESS_RULES: &[Rule] = &[
    rule(
        Status::Any,
        "invalid_grant",
        Meaning::ChannelFault,
        "the service account's key is not known, or this machine's clock is wrong",
    ),
    rule(Status::Any, "invalid_client", Meaning::ChannelFault, ACCOUNT),
    rule(Status::Any, "invalid_scope", Meaning::ChannelFault, ACCOUNT),
    rule(Status::Any, "unauthorized_client", Meaning::ChannelFault, ACCOUNT),
    rule(
        Status::In(300, 399),
        "",
        Meaning::ChannelFault,
        "a redirect, which is not followed: check token_uri",
    ),
    rule(Status::Is(408), "", Meaning::Retry, "Google waited in vain for the request"),
    rule(Status::Is(429), "", Meaning::Throttle(Scope::Channel, Duration::ZERO), "too many access tokens"),
    rule(Status::In(400, 499), "", Meaning::ChannelFault, ACCOUNT),
];
