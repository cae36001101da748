use super::*;
use mail_parser::MessageParser;
use proptest::prelude::*;

fn header(text: &str) -> String {
    let mut out = String::from("Subject: ");
    push_encoded(&mut out, text, "Subject: ".len());
    out
}

fn read_header(written: &str) -> String {
    let message = MessageParser::new().parse(written.as_bytes()).unwrap().into_owned();
    message.subject().unwrap_or_default().to_owned()
}

fn body(text: &str) -> String {
    let mut out = String::new();
    push_quoted_printable(&mut out, text);
    out
}

#[test]
fn a_plain_subject_is_left_readable() {
    assert_eq!(
        header("[Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%"),
        "Subject: [Foghorn #1042] CRITICAL checkout-api: 5xx rate above 5%"
    );
    assert_eq!(header("größer"), "Subject: =?utf-8?Q?gr=C3=B6=C3=9Fer?=");
}

#[test]
fn a_body_is_quoted_where_it_has_to_be_and_nowhere_else() {
    let table = [
        ("plain\ntext\n", "plain\r\ntext\r\n"),
        (".\n..\n", "=2E\r\n=2E.\r\n"),
        ("a = b", "a =3D b"),
        ("blank \n\t\n", "blank=20\r\n=09\r\n"),
        ("ü\r", "=C3=BC=0D"),
    ];
    for (text, quoted) in table {
        assert_eq!(body(text), quoted, "{text:?}");
    }
}

#[test]
fn a_display_name_cannot_end_its_quotes() {
    let from = |name: &str| mailbox(&Mailbox::new(Some(name.into()), "a@example.com".parse().unwrap()));
    assert_eq!(from("Foghorn"), "\"Foghorn\" <a@example.com>");
    assert_eq!(from("A \"B\\\r\nBcc: x"), "\"A \\\"B\\\\ Bcc: x\" <a@example.com>");
    assert_eq!(from("Nebelhörner"), "=?utf-8?Q?Nebelh=C3=B6rner?= <a@example.com>");
    assert_eq!(from("\0"), "<a@example.com>");
}

#[test]
fn a_policy_is_a_label_of_a_host_name() {
    assert_eq!(dns_label("Page, me!"), "page--me");
    assert_eq!(dns_label("\r\nBcc: x"), "bcc--x");
    assert_eq!(dns_label("…"), "policy");
}

proptest! {
    #[test]
    fn every_subject_reads_back_as_one_clean_line(text in "\\PC{0,300}|[ -~]{0,300}|[a-z=?_ ]{0,300}") {
        let written = header(&text);
        prop_assert!(written.is_ascii());
        for (index, line) in written.split("\r\n").enumerate() {
            prop_assert!(line.len() <= 90 && !line.contains(['\r', '\n']));
            prop_assert!(index == 0 || line.starts_with(' '));
        }
        let expected = sanitize::line(&text, sanitize::SUBJECT);
        prop_assert_eq!(read_header(&(written + "\r\n\r\n")), expected);
    }

    #[test]
    fn every_body_reads_back_as_it_was(
        text in prop_oneof![any::<String>(), "[ -~\t\n]{0,400}", "[.= a]{0,300}"]
    ) {
        let text = sanitize::block(&text).into_owned();
        let quoted = body(&text);
        prop_assert!(quoted.is_ascii());
        for line in quoted.split("\r\n") {
            prop_assert!(line.len() <= LINE && !line.starts_with('.') && !line.contains(['\r', '\n']));
        }
        let raw = format!(
            "Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n{quoted}"
        );
        let message = MessageParser::new().parse(raw.as_bytes()).unwrap();
        let read = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
        prop_assert_eq!(read, text);
    }
}
