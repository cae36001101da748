//! Links that are keys: in messages, with which one person acts on one incident for a while without
//! signing in, and of calendars, which subscribe to the shifts of a team and cannot say who they are.
//!
//! `/i/1042-ada-am9k-7k2q9d4m3x5w2b6c`: the incident, the user, the hour it ends (base 36), and the
//! first 80 bits of an HMAC-SHA256 over the three. Whoever has the link has what it is good for, and
//! nothing else; looking at it changes nothing, because mail scanners look at every link (S13).
//! `/calendar/payments-3m5x7k2q9d4w2b6c.ics`: the team, and as much of an HMAC over it. It does not end,
//! as a subscription does not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{constant_time, hmac};

use crate::domain::Timestamp;
use crate::domain::retry::later;

const HOUR: i64 = 3_600;
/// Of the signature, so many letters of five bits.
const LETTERS: usize = 16;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Makes links, and knows its own.
#[derive(Clone)]
pub struct Links {
    key: Arc<hmac::Key>,
    life: Duration,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("life", &self.life).finish_non_exhaustive()
    }
}

/// A key that nobody has yet; `None` if the machine gives no random numbers.
pub fn fresh_key() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a link is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The incident.
    pub number: u64,
    /// Who acts: a user's name.
    pub user: String,
    /// Not after.
    pub expires_at: Timestamp,
}

impl Links {
    /// Links that are signed with `key` and live for `life`.
    pub fn new(key: &[u8], life: Duration) -> Self {
        Self { key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)), life }
    }

    /// The last part of the address with which `user` acts on the incident; made `at` that moment.
    pub fn token(&self, number: u64, user: &str, at: Timestamp) -> String {
        let expires = later(at, self.life).as_second().max(0).div_euclid(HOUR) + 1;
        let said = format!("{number}-{user}-{}", base36(expires));
        let signature = self.signature(Purpose::Act, &said);
        format!("{said}-{signature}")
    }

    /// What a link is good for; `None` if it is none of ours. Whether its time is over is for whoever
    /// asks to see.
    pub fn read(&self, token: &str) -> Option<Pass> {
        let said = self.said(Purpose::Act, token)?;
        let (who, expires) = said.rsplit_once('-')?;
        let (number, user) = who.split_once('-')?;
        let expires = i64::from_str_radix(expires, 36).ok()?.checked_mul(HOUR)?;
        Some(Pass {
            number: number.parse().ok()?,
            user: user.to_owned(),
            expires_at: Timestamp::from_second(expires).ok()?,
        })
    }

    /// The last part of the address at which a calendar reads the shifts of `team`.
    pub fn calendar(&self, team: &str) -> String {
        format!("{team}-{}{ICS}", self.signature(Purpose::Calendar, team))
    }

    /// Whose shifts are read at this address; `None` if it is none of ours.
    pub fn read_calendar<'a>(&self, file: &'a str) -> Option<&'a str> {
        self.said(Purpose::Calendar, file.strip_suffix(ICS)?)
    }

    /// What stands before a signature that is right.
    fn said<'a>(&self, purpose: Purpose, signed: &'a str) -> Option<&'a str> {
        let (said, signature) = signed.rsplit_once('-')?;
        let expected = self.signature(purpose, said);
        constant_time::verify_slices_are_equal(signature.as_bytes(), expected.as_bytes()).ok()?;
        Some(said)
    }

    fn signature(&self, purpose: Purpose, said: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{}\n{said}", purpose.word()).as_bytes());
        let mut bits = tag.as_ref().iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let letter = |_| {
            let place = bits.by_ref().take(5).fold(0, |place, bit| place << 1 | usize::from(bit));
            char::from(ALPHABET[place])
        };
        (0..LETTERS).map(letter).collect()
    }
}

/// Programs that read calendars go by the end of the address.
const ICS: &str = ".ics";

/// What a signature is for: the one is never good for the other.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Act,
    Calendar,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Act => "foghorn link",
            Self::Calendar => "foghorn calendar",
        }
    }
}

/// May a message to this recipient carry such a link? Addresses and channels are no users.
pub(super) fn is_user(recipient: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !recipient.is_empty() && recipient.len() <= 64 && recipient.bytes().all(fits)
}

fn base36(mut number: i64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        digits.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    #[test]
    fn a_link_says_who_may_do_what_and_until_when() {
        let links = Links::new(b"a key", Duration::from_secs(24 * 3_600));
        for user in ["ada", "ada-lovelace", "a.b_c"] {
            let token = links.token(1042, user, at("2026-11-21T14:02:11Z"));
            let pass = links.read(&token).expect("its own");
            assert_eq!((pass.number, pass.user.as_str()), (1042, user));
            assert_eq!(pass.expires_at, at("2026-11-22T15:00:00Z"), "to the hour, and not before");
            assert!(token.len() < 50, "{token}");
        }
    }

    #[test]
    fn whatever_was_changed_is_no_link() {
        let links = Links::new(b"a key", Duration::from_secs(3_600));
        let token = links.token(1042, "ada", at("2026-11-21T14:02:11Z"));
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(links.read(&changed), None, "{changed}");
        }
        for odd in
            ["", "-", "--", "---", "1042", "1042-ada", "1042-ada-zzz-", &token[1..], &format!("{token}a")]
        {
            assert_eq!(links.read(odd), None, "{odd}");
        }
        let other = Links::new(b"another", Duration::from_secs(3_600));
        assert_eq!(other.read(&token), None);
    }

    #[test]
    fn the_address_of_a_calendar_is_good_for_one_team_and_for_nothing_else() {
        let links = Links::new(b"a key", Duration::from_secs(3_600));
        for team in ["payments", "web-eu"] {
            let file = links.calendar(team);
            assert_eq!(links.read_calendar(&file), Some(team), "{file}");
            assert_eq!(links.read(&file), None);
            assert_eq!(links.read_calendar(&file.replacen(team, "others", 1)), None);
            assert_eq!(links.read_calendar(file.trim_end_matches(".ics")), None);
        }
        let token = links.token(1042, "ada", at("2026-11-21T14:02:11Z"));
        assert_eq!(links.read_calendar(&format!("{token}.ics")), None);
    }

    #[test]
    fn only_users_get_one() {
        for (recipient, is) in [("ada", true), ("a***@example.com", false), ("+155***11", false), ("", false)]
        {
            assert_eq!(is_user(recipient), is, "{recipient}");
        }
    }
}
