//! How somebody gets in where nobody can yet.
//!
//! Where there never was a token with the scope admin, a start makes one and shows its secret, once. A terminal
//! shows it to whoever started it. Anything else that takes what is said on standard error, such as a journal,
//! keeps it and shows it to others than those who may do everything: there the secret goes into a file that
//! only this user can read, and no file, no token. Whoever has lost it comes in through the socket.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::{Config, SocketPlace};
use crate::daemon::serve::Serving;
use crate::domain::token::Entrance;
use crate::http::fresh_secret;

/// In `[server] data_dir`.
const FILE: &str = "first-token";

/// Where a secret is shown.
enum Place {
    Terminal,
    File(PathBuf),
}

impl Place {
    fn of(config: &Config) -> Self {
        if io::stderr().is_terminal() {
            Self::Terminal
        } else {
            Self::File(config.server.data_dir.join(FILE))
        }
    }
}

/// What there is to say about the first token at this start; mostly nothing.
pub(super) async fn tell(serving: &Serving, config: &Config) -> Vec<String> {
    let ended = "[auth] mode = \"token\", and no token with the scope admin counts any more.";
    match serving.entrance().await {
        Entrance::Open => Vec::new(),
        Entrance::Shut => vec![ended.to_owned(), another_way(&config.http.socket)],
        Entrance::New => match made(serving, &Place::of(config)).await {
            Ok(lines) => lines,
            Err(why) => vec![why, another_way(&config.http.socket)],
        },
    }
}

/// Makes it and shows it. The file comes before the row: what nobody can read would let nobody in.
async fn made(serving: &Serving, place: &Place) -> Result<Vec<String>, String> {
    let none = |why: &str| {
        format!("[auth] mode = \"token\", and there is no token with the scope admin yet: {why}.")
    };
    let secret = fresh_secret().ok_or_else(|| none("the machine gives no random numbers to make one of"))?;
    if let Place::File(path) = place {
        write(path, &secret).map_err(|error| none(&format!("cannot write {}: {error}", path.display())))?;
    }
    match serving.keep_first_token(&secret).await {
        Ok(Some(id)) => {
            let end = format!(
                "Make others with foghorn token create, and then end this one: foghorn token revoke {id}"
            );
            Ok(match place {
                Place::Terminal => vec![
                    "There was no token yet. The first one may do everything, and is shown once:".to_owned(),
                    String::new(),
                    format!("    {secret}"),
                    String::new(),
                    end,
                ],
                Place::File(path) => vec![
                    format!(
                        "There was no token yet. The first one may do everything; its secret is in {}, which this user alone can read.",
                        path.display()
                    ),
                    format!("{end}, and remove the file"),
                ],
            })
        }
        Ok(None) => {
            if let Place::File(path) = place {
                drop(fs::remove_file(path));
            }
            Ok(vec!["There was no token yet; another node has made the first one and shown it.".to_owned()])
        }
        // It may be kept, so the file stays.
        Err(error) => Err(format!("It is not known whether a first token was made: {error}.")),
    }
}

/// One that an earlier start left, and that was never kept, is in nobody's hands.
fn write(path: &Path, secret: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

/// How to get in without it.
fn another_way(socket: &SocketPlace) -> String {
    match socket {
        SocketPlace::Usual(path) | SocketPlace::At(path) => {
            format!("Make one on this machine: foghorn token create NAME --scope admin --url unix:{}", path.display())
        }
        SocketPlace::Off => "There is no socket either: add [tokens.NAME] to the configuration, with secret = { env = \"…\" } and scopes = [\"admin\"].".to_owned(),
    }
}
