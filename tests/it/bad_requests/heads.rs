//! Other methods, headers that mean something else than their sender thinks, and what is no HTTP.

use foghorn::http::routes::{Needs, Verb, rules};

use super::cells::{Ask, Cell, Place, Refused};

pub(super) fn methods(place: &Place<'_>) -> Vec<Cell> {
    let taken: Vec<Verb> =
        rules().iter().filter(|rule| rule.path == place.rule.path).map(|rule| rule.method).collect();
    let takes = |word: &str| {
        taken.iter().any(|verb| verb.as_str() == word) || word == "HEAD" && taken.contains(&Verb::Get)
    };
    let words = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get"];
    let wrong = words.into_iter().filter(|word| !takes(word));
    let mut cells: Vec<Cell> = wrong
        .map(|word| {
            let refused = Refused::With(&["FH0708"], vec![word.to_owned()]);
            Cell::new(format!("the method {word}"), &Ask { method: word.to_owned(), ..place.ask() }, refused)
        })
        .collect();
    let long = Ask { method: "X".repeat(20_000), ..place.ask() };
    cells.push(Cell::new("a method of 20 kB", &long, Refused::Bare));
    cells
}

pub(super) fn headers(place: &Place<'_>) -> Vec<Cell> {
    [hosts(place), origins(place), keys(place), versions(place)].into_iter().flatten().collect()
}

/// The name of another server; a probe is answered by any.
fn hosts(place: &Place<'_>) -> Vec<Cell> {
    let by = |host: &str| Ask { host: host.to_owned(), ..place.ask() };
    if place.operation["responses"].get("421").is_none() {
        return vec![Cell::new("any host", &by("Host: evil.example\r\n"), Refused::Perhaps)];
    }
    let told = |code: &'static [&'static str]| Refused::With(code, vec!["Host".to_owned()]);
    let foreign = ["evil.example", "127.0.0.1.evil.example", "evil@127.0.0.1"];
    let foreign = foreign.map(|host| Cell::new(host, &by(&format!("Host: {host}\r\n")), told(&["FH0710"])));
    let none = ["", "Host: localhost\r\nHost: evil.example\r\n", "Host: a b\r\n"];
    let none = none.map(|host| Cell::new(format!("{host:?}"), &by(host), told(&["FH0711"])));
    foreign.into_iter().chain(none).collect()
}

/// A page of another site.
fn origins(place: &Place<'_>) -> Vec<Cell> {
    if place.rule.method == Verb::Get {
        return Vec::new();
    }
    let origins =
        ["http://evil.example", "null", "http://localhost:1", "https://fog.example.evil.example", ""];
    let cell = |origin: &str| {
        let ask = Ask { more: format!("Origin: {origin}\r\n"), ..place.ask() };
        Cell::new(format!("from {origin:?}"), &ask, Refused::With(&["FH0709"], vec!["Origin".to_owned()]))
    };
    origins.map(cell).into()
}

fn keys(place: &Place<'_>) -> Vec<Cell> {
    if place.rule.method != Verb::Post || place.rule.needs == Needs::Nothing {
        return Vec::new();
    }
    let keys = [
        "Idempotency-Key: \r\n".to_owned(),
        format!("Idempotency-Key: {}\r\n", "k".repeat(256)),
        format!("Idempotency-Key: {}\r\n", "k".repeat(10_000)),
        "Idempotency-Key: caf\u{e9}\r\n".to_owned(),
        "Idempotency-Key: a\r\nIdempotency-Key: b\r\n".to_owned(),
    ];
    let cell = |key: String| {
        let name: String = key.chars().take(40).collect();
        let refused = Refused::With(&["FH0711"], vec!["Idempotency-Key".to_owned()]);
        Cell::new(format!("{name:?}"), &Ask { more: key, ..place.ask() }, refused)
    };
    keys.map(cell).into()
}

fn versions(place: &Place<'_>) -> Vec<Cell> {
    if !place.parameters("header").any(|header| header["name"] == "If-Match") {
        return Vec::new();
    }
    let versions = ["\"v999999\"", "nonsense", "\"v18446744073709551616\"", "\"v-1\"", "W/\"v1\""];
    let cell = |version: &str| {
        let ask = Ask { more: format!("If-Match: {version}\r\n"), ..place.ask() };
        Cell::new(format!("If-Match: {version}"), &ask, Refused::With(&["FH0711", "FH0753"], Vec::new()))
    };
    versions.map(cell).into()
}

/// What the reader of HTTP refuses before there is a request.
pub(super) fn frames(place: &Place<'_>) -> Vec<Cell> {
    let sized = |length: &str| Ask { length: Some(length.to_owned()), ..place.ask() };
    let with = |more: String| Ask { more, ..place.ask() };
    let many: String = (0..1_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let rows = [
        ("a length that is no number", sized("Content-Length: x\r\n")),
        ("a negative length", sized("Content-Length: -1\r\n")),
        ("a length past all numbers", sized("Content-Length: 99999999999999999999999\r\n")),
        ("two lengths", sized("Content-Length: 2\r\nContent-Length: 3\r\n")),
        ("a length and chunks", sized("Content-Length: 2\r\nTransfer-Encoding: cow\r\n")),
        ("1,000 headers", with(many)),
        ("100 kB of a header", with(format!("X-Large: {}\r\n", "y".repeat(100_000)))),
        ("NUL in a header", with("X-Nul: a\0b\r\n".to_owned())),
        ("a bare CR in a header", with("X-Cr: a\rX-Evil: b\r\n".to_owned())),
        ("a header with a blank in its name", with("X Name: a\r\n".to_owned())),
        ("a folded header", with("X-Fold: a\r\n b\r\n".to_owned())),
        ("a path of 100 kB", Ask { target: format!("{}{}", place.path, "x".repeat(100_000)), ..place.ask() }),
        ("a blank in the path", Ask { target: format!("{} x", place.path), ..place.ask() }),
        ("a NUL in the path", Ask { target: format!("{}\0", place.path), ..place.ask() }),
    ];
    rows.into_iter().map(|(name, ask)| Cell::new(name, &ask, Refused::Bare)).collect()
}
