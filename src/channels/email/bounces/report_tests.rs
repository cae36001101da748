use proptest::prelude::*;

use super::*;
use crate::domain::fault::{Fault, Permanent, Transient};
use crate::domain::ids::DeliveryId;

const ID: &str = "del_01J9X2M4QF0000000000000001";

fn this() -> DeliveryId {
    ID.parse().unwrap()
}

/// A report whose status part is `status`, with `returned` as its third part.
fn report(status: &str, returned: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.com\r\nTo: foghorn@example.com\r\nSubject: Undelivered Mail\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\
         \r\n--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n--b\r\n{returned}\r\n--b--\r\n"
    )
}

fn headers() -> String {
    format!("Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{ID}@example.com>\r\nSubject: x\r\n")
}

fn failed(status: &str, diagnostic: &str) -> String {
    format!(
        "Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; ada@example.com\r\n\
         Action: failed\r\nStatus: {status}\r\n{diagnostic}"
    )
}

fn told(mail: &str) -> (ReceiptKind, Option<Fault>, String) {
    match read(mail.as_bytes()) {
        Ok(Some(News::Receipt { delivery, kind, fault, code, .. })) => {
            assert_eq!(delivery, this());
            (kind, fault, code)
        }
        other => panic!("{other:?}: {mail}"),
    }
}

#[test]
fn the_enhanced_code_says_what_it_means_for_the_address() {
    const GONE: Fault = Fault::Permanent(Permanent::RecipientGone);
    const REFUSED: Fault = Fault::Permanent(Permanent::Refused);
    const DEFERRED: Fault = Fault::Transient(Transient::Deferred);
    let table = [
        ("5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 no such user", GONE, "550 5.1.1"),
        ("5.1.1", "", GONE, "5.1.1"),
        ("5.1.1 (unknown user)", "Diagnostic-Code: X-Postfix; unknown user", GONE, "5.1.1"),
        ("5.1.10", "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound", GONE, "550 5.1.10"),
        // Nothing but zeros: the server that is repeated says more.
        ("5.0.0", "Diagnostic-Code: smtp; 550-5.1.1 no\r\n  550 5.1.1 such user", GONE, "550 5.1.1"),
        ("5.2.2", "Diagnostic-Code: smtp; 552 5.2.2 full", DEFERRED, "552 5.2.2"),
        ("4.4.7", "", DEFERRED, "4.4.7"),
        ("4.4.1", "Diagnostic-Code: smtp; 451 4.4.1 timed out", DEFERRED, "451 4.4.1"),
        ("5.7.1", "Diagnostic-Code: smtp; 550 5.7.1 spam", REFUSED, "550 5.7.1"),
        // A reply code alone may be about the message: no address is lost over it.
        ("5.0.0", "Diagnostic-Code: smtp; 550 spam", REFUSED, "550 5.0.0"),
        ("5.0.0", "", REFUSED, "5.0.0"),
        ("nonsense", "", REFUSED, ""),
        ("5.3.4", "", Fault::Permanent(Permanent::Unacceptable), "5.3.4"),
    ];
    for (status, diagnostic, fault, code) in table {
        let said = told(&report(&failed(status, diagnostic), &headers()));
        assert_eq!(said, (ReceiptKind::Bounced, Some(fault), code.to_owned()), "{status} {diagnostic}");
    }
}

#[test]
fn the_delivery_is_found_wherever_it_is_named() {
    let status = failed("5.1.1", "");
    let with_envelope = format!("Original-Envelope-Id: {ID}\r\n{status}");
    let whole =
        format!("Content-Type: message/rfc822\r\n\r\nMessage-ID: <{ID}@example.com>\r\n\r\nhello\r\n");
    let nothing = "Content-Type: text/plain\r\n\r\nno more than this\r\n";
    let reply = |field: &str| format!("{field}: <{ID}@example.com>\r\n{}", report(&status, nothing));
    let thread = format!("References: <inc_1@example.com>\r\n <{ID}@example.com>\r\n");
    for mail in [
        report(&with_envelope, nothing),
        report(&status, &headers()),
        report(&status, &whole),
        report(&status, &whole).replace("\r\n", "\n"),
        reply("In-Reply-To"),
        reply("References"),
        format!("{thread}{}", report(&status, nothing)),
    ] {
        assert_eq!(told(&mail).0, ReceiptKind::Bounced, "{mail}");
    }
}

#[test]
fn what_is_on_its_way_is_no_news_and_what_arrived_is() {
    let action = |word: &str| report(&failed("4.4.1", "").replace("failed", word), &headers());
    for word in ["delayed", "Delayed", "relayed", "expanded"] {
        assert_eq!(read(action(word).as_bytes()), Ok(None), "{word}");
    }
    assert_eq!(told(&action("delivered")), (ReceiptKind::Delivered, None, String::new()));
    let both =
        format!("{}\r\n\r\n{}", failed("2.0.0", "").replace("failed", "delivered"), failed("5.1.1", ""));
    assert_eq!(told(&report(&both, &headers())).0, ReceiptKind::Bounced, "a failure decides");
}

#[test]
fn what_is_no_report_about_our_mail_is_told_so() {
    let mail = report(&failed("5.1.1", ""), &headers());
    let table = [
        (String::new(), "is no mail"),
        ("\r\n\r\n".to_owned(), "is no"),
        ("Subject: hello\r\n\r\nhow are you?\r\n".to_owned(), "no report about another one"),
        ("{\"json\": true}".to_owned(), "is no"),
        (mail.replace("message/delivery-status", "text/plain"), "no report about another one"),
        (mail.replace(ID, "20261121.abc"), "about no mail of this Foghorn"),
        (mail.replace("Action: failed", "Action: lost"), "no field Action"),
        (format!("{mail}{}", "Content-Type: message/rfc822\r\n\r\n".repeat(200_000)), "so many parts"),
        (format!("{}{mail}", "CONTENT-TYPE: message/rfc822\n\n".repeat(200_000)), "so many parts"),
    ];
    for (mail, why) in table {
        match read(mail.as_bytes()) {
            Err(NotHeard::NotUnderstood(told)) => assert!(told.contains(why), "{why}: {told}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

/// As deep as is let through, on the stack of a worker.
#[test]
fn parts_within_parts_end_somewhere() {
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(MOST_PARTS);
    let boundaries: String = (0..MOST_PARTS)
        .map(|at| format!("Content-Type: multipart/mixed; boundary={at}\r\n\r\n--{at}\r\n"))
        .collect();
    for mail in [deep, boundaries] {
        let small = std::thread::Builder::new().stack_size(512 << 10);
        assert!(small.spawn(move || read(mail.as_bytes()).is_err()).unwrap().join().unwrap());
    }
}

/// A report with `put` in the place of `length` bytes at `at`, a share of the whole.
fn broken(at: f64, length: usize, put: Vec<u8>) -> Vec<u8> {
    let whole =
        format!("Content-Type: message/rfc822\r\n\r\nMessage-ID: <{ID}@example.com>\r\n\r\nhello\r\n");
    let mut mail = report(&failed("5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 no"), &whole).into_bytes();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the mail")]
    let at = (mail.len() as f64 * at) as usize;
    let end = at.saturating_add(length).min(mail.len());
    mail.splice(at..end, put);
    mail
}

/// The parser looks in vain for what holds this part, and asserts in its own tests that it never does.
#[test]
fn a_mail_inside_that_nothing_holds_is_no_reason_to_die() {
    let _ = read(&broken(0.341_935_402_074_144_86, 141, b"Content-Type: message/rfc822\r\n\r\n".to_vec()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Cut off, with bytes lost, changed, doubled and put in: an answer, and never another delivery.
    #[test]
    fn no_report_is_too_broken(
        at in 0.0..1.0_f64,
        length in 0..400_usize,
        put in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            Just(b"--b\r\n".to_vec()),
            Just(b"--b--\r\n".to_vec()),
            Just(b"\r\n\r\n".to_vec()),
            Just(b"Content-Type: message/rfc822\r\n\r\n".to_vec()),
            Just(b"Content-Type: multipart/digest; boundary=b\r\n\r\n".to_vec()),
            Just(b"Content-Transfer-Encoding: base64\r\n".to_vec()),
            Just(b"Content-Type: text/plain; charset=utf-7\r\n".to_vec()),
        ],
        cut in any::<bool>(),
    ) {
        let mail = broken(at, if cut { usize::MAX } else { length }, put);
        if let Ok(Some(News::Receipt { delivery, code, detail, .. })) = read(&mail) {
            // A changed letter of the id may be another id; it is one of ours by its form all the same.
            prop_assert!(delivery.to_string().starts_with("del_"));
            prop_assert!(code.len() < 20 && !detail.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_bytes_are_too_odd(mail in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&mail);
    }
}
