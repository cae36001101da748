//! What every provider of text messages does alike: the words, the number, the count.

use crate::channels::http::failure;
use crate::channels::outbox::Draft;
use crate::channels::settings::Reader;
use crate::channels::{Surroundings, unrenderable};
use crate::domain::delivery::Job;
use crate::domain::fault::{Failure, Fault, Permanent};
use crate::domain::people::is_phone;
use crate::render::Letterhead;
use crate::render::sms::{Alphabet, Encoding, SmsStyle, TextMessage, render};
use crate::telemetry::labels::SmsEncoding;
use crate::telemetry::metrics::sms_sent;

/// The most parts of one message: more characters than these hold, Twilio does not take.
const MOST_SEGMENTS: u64 = 10;

const ENCODINGS: &[(&str, Encoding)] = &[("gsm7", Encoding::Gsm7), ("auto", Encoding::Auto)];

/// Takes `max_segments`, `encoding`, `links` and `replies`.
pub(super) fn read_style(reader: &mut Reader) -> SmsStyle {
    let usual = SmsStyle::default();
    let segments = reader.number("max_segments", 1, MOST_SEGMENTS);
    SmsStyle {
        max_segments: segments.and_then(|most| usize::try_from(most).ok()).unwrap_or(usual.max_segments),
        encoding: reader.choice("encoding", ENCODINGS).unwrap_or(usual.encoding),
        links: reader.flag("links").unwrap_or(usual.links),
        replies: reader.flag("replies").unwrap_or(usual.replies),
    }
}

/// How one channel makes words of jobs.
pub(super) struct Phrasing {
    letterhead: Letterhead,
    style: SmsStyle,
}

impl Phrasing {
    pub(super) fn new(style: SmsStyle, surroundings: &Surroundings) -> Self {
        Self { letterhead: surroundings.letterhead(), style }
    }

    /// The number of a job, and what to say to it.
    ///
    /// # Errors
    /// It is no number, or the words cannot be made. Nobody was asked.
    pub(super) fn of<'a>(&self, job: &'a Job) -> Result<(&'a str, TextMessage), Failure> {
        let to = job.target.address.expose();
        if !is_phone(to) {
            let gone = Fault::Permanent(Permanent::RecipientGone);
            return Err(failure(gone, "number", "no phone number: a plus and 7 to 15 digits"));
        }
        Ok((to, self.message(job)?))
    }

    /// The words alone.
    pub(super) fn draft(&self, job: &Job) -> Result<Draft, Failure> {
        Ok(drafted(self.message(job)?))
    }

    fn message(&self, job: &Job) -> Result<TextMessage, Failure> {
        render(&job.content, &self.letterhead.to(job), &self.style).map_err(|fault| unrenderable(&fault))
    }
}

/// A text message as people look at it.
pub(super) fn drafted(message: TextMessage) -> Draft {
    let parts = if message.segments == 1 { "part" } else { "parts" };
    let note = format!("{} {parts} in {}", message.segments, encoding(&message).as_str());
    Draft { text: message.text, note: Some(note), ..Draft::default() }
}

/// Counts a message that a provider took.
pub(super) fn count(job: &Job, message: &TextMessage) {
    sms_sent(&job.target.channel, encoding(message), message.segments);
}

fn encoding(message: &TextMessage) -> SmsEncoding {
    match message.alphabet {
        Alphabet::Gsm7 => SmsEncoding::Gsm7,
        Alphabet::Ucs2 => SmsEncoding::Ucs2,
    }
}

/// A provider's words without the number that they are about.
pub(super) fn masked(words: &str, job: &Job) -> String {
    let number = job.target.address.expose();
    let masked = job.target.address.masked();
    words.replace(number, &masked).replace(number.trim_start_matches('+'), &masked)
}
