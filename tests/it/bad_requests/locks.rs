//! Who may not ask.

use foghorn::domain::token::Scope;
use foghorn::http::routes::Needs;

use super::cells::{Ask, Cell, Place, Refused};
use super::ground::secret;

/// No token that counts; of many wrong ones from one address the later ones are told to wait.
const NO_TOKEN: Refused = Refused::With(&["FH0715", "FH0719"], Vec::new());

pub(super) fn cells(place: &Place<'_>) -> Vec<Cell> {
    let needed = match place.rule.needs {
        Needs::Nothing => return Vec::new(),
        // Any token will do.
        Needs::Token | Needs::Somebody => None,
        Needs::Scope(needed) => Some(needed),
    };
    let admin = secret("admin");
    let shown = [
        ("no token", String::new()),
        ("an empty token", "Authorization: Bearer \r\n".to_owned()),
        ("another scheme", format!("Authorization: Basic {admin}\r\n")),
        ("a token without a scheme", format!("Authorization: {admin}\r\n")),
        ("the beginning of a token", format!("Authorization: Bearer {}\r\n", &admin[..admin.len() - 1])),
        ("more than a token", format!("Authorization: Bearer {admin}x\r\n")),
        ("a token that nobody has", format!("Authorization: Bearer fh_{}\r\n", "0".repeat(64))),
        ("a token in other letters", format!("Authorization: Bearer {}\r\n", admin.to_uppercase())),
    ];
    let mut cells: Vec<Cell> = shown
        .into_iter()
        .map(|(name, token)| Cell::new(name, &Ask { token, ..place.ask() }, NO_TOKEN))
        .collect();
    for word in ["token", "access_token"] {
        let target = format!("{}?{word}={admin}", place.path);
        cells.push(Cell::new(
            "a token in the address",
            &Ask { target, token: String::new(), ..place.ask() },
            NO_TOKEN,
        ));
    }
    let twice = Ask { more: format!("Authorization: Bearer {}\r\n", secret("read")), ..place.ask() };
    if needed.is_some_and(|needed| needed != Scope::Read) {
        // Whichever of them is believed, it is not one that may not ask.
        let token = format!("Authorization: Bearer {}\r\n", "0".repeat(64));
        cells.push(Cell::new("two tokens", &Ask { token, ..twice }, NO_TOKEN));
    }
    let large = Ask { token: format!("Authorization: Bearer {}\r\n", "x".repeat(1 << 16)), ..place.ask() };
    cells.push(Cell::new("a token of 64 KiB", &large, Refused::Bare));
    let Some(needed) = needed else { return cells };
    for held in Scope::ALL.into_iter().filter(|held| *held != needed && *held != Scope::Admin) {
        let token = format!("Authorization: Bearer {}\r\n", secret(held.as_str()));
        let refused = Refused::With(&["FH0716"], vec![needed.to_string()]);
        cells.push(Cell::new(format!("the scope {held}"), &Ask { token, ..place.ask() }, refused));
    }
    cells
}
