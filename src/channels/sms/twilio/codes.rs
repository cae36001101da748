//! What Twilio's error codes mean, of its interface and of its reports alike.

use std::time::Duration;

use crate::channels::codes::{Codes, Meaning, code};
use crate::domain::fault::Scope;

/// How long a sender whose queue is full is left alone, at the least.
const QUEUE: Duration = Duration::from_secs(30);
/// The same, of a sender that has sent all that it may in a day.
const DAY: Duration = Duration::from_secs(15 * 60);

/// By Twilio's own code; what HTTP says decides where it gives none.
pub(in crate::channels) const CODES: Codes = Codes {
    provider: "twilio",
    source: "twilio.com/docs/api/errors",
    rules: &[
        // Nobody is reached at this number.
        code("21211", Meaning::DropTarget, "no such number"),
        code("21265", Meaning::DropTarget, "a short code takes no messages"),
        code("21612", Meaning::DropTarget, "no way leads from this sender to this number"),
        code("21614", Meaning::DropTarget, "the number takes no text messages"),
        code("21635", Meaning::DropTarget, "the number is a landline"),
        code("30004", Meaning::DropTarget, "the phone or its carrier blocks the messages"),
        code("30005", Meaning::DropTarget, "the number is unknown or no longer in service"),
        code("30006", Meaning::DropTarget, "a landline, or a carrier that takes no text messages"),
        // The person decided.
        code("21610", Meaning::OptOut, "the person sent STOP; only START from their phone undoes it"),
        // The account: nothing goes out until somebody mends it.
        code("10001", Meaning::ChannelFault, "the account is not active"),
        code("20003", Meaning::ChannelFault, "the login is refused: check account_sid and auth_token"),
        code("20005", Meaning::ChannelFault, "the account is not active"),
        code("20404", Meaning::ChannelFault, "there is no such account: check account_sid and base_url"),
        code("21212", Meaning::ChannelFault, "from is no number that can send"),
        code("21603", Meaning::ChannelFault, "a message needs from or messaging_service_sid"),
        code("21606", Meaning::ChannelFault, "from is not this account's, or cannot send text messages"),
        code("21609", Meaning::ChannelFault, "status_callback is no address that Twilio can call"),
        code("21659", Meaning::ChannelFault, "from is no number of Twilio's"),
        code("21660", Meaning::ChannelFault, "from belongs to another account"),
        code("21661", Meaning::ChannelFault, "from cannot send text messages"),
        code("21703", Meaning::ChannelFault, "the messaging service has no numbers"),
        code("30002", Meaning::ChannelFault, "the account is suspended"),
        code("30032", Meaning::ChannelFault, "the toll-free number is not verified"),
        code("30034", Meaning::ChannelFault, "the number is not registered for A2P 10DLC"),
        // One number or one message, which must not hold all others.
        code("21408", Meaning::Refused, "the account may not send to this country: enable it in the console"),
        code("21602", Meaning::MessageFault, "the message says nothing"),
        code("21604", Meaning::MessageFault, "the message goes to nobody"),
        code("21608", Meaning::Refused, "a trial account reaches verified numbers only"),
        code("21617", Meaning::MessageFault, "the message is too long"),
        code("30007", Meaning::Refused, "filtered as unwanted, by Twilio or the carrier"),
        // Too much.
        code(
            "14107",
            Meaning::Throttle(Scope::Recipient, QUEUE),
            "the two numbers answer each other too fast",
        ),
        code("20429", Meaning::Throttle(Scope::Channel, Duration::ZERO), "too many requests at once"),
        code("21611", Meaning::Throttle(Scope::Channel, QUEUE), "the queue of this sender is full"),
        code("30001", Meaning::Throttle(Scope::Channel, QUEUE), "the queue is full"),
        code(
            "30022",
            Meaning::Throttle(Scope::Channel, QUEUE),
            "more than the carriers take from this brand",
        ),
        code("30023", Meaning::Throttle(Scope::Channel, DAY), "the brand's limit of the day is reached"),
        code("63038", Meaning::Throttle(Scope::Channel, DAY), "the account's limit of the day is reached"),
        // It may work later.
        code("30003", Meaning::RetryRecipient, "the phone is off or out of reach"),
        code("30008", Meaning::RetryRecipient, "the carrier does not say why"),
        code("30036", Meaning::RetryRecipient, "it waited at Twilio until it was worth nothing"),
        code("30410", Meaning::RetryRecipient, "the carrier did not answer in time"),
    ],
};
