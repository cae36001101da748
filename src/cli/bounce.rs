//! `foghorn bounce`: hands a mail that came back to the running Foghorn. Made to stand behind a pipe of a
//! mail server, so it speaks its language: the exit codes of sysexits. A mail that cannot be handed over
//! now stays with the server (75); only what is no report, and never will be, goes back (65).

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::client::{Session, name};
use super::connection::Failure;
use super::print::say;
use crate::catalogue::Code;

/// No report is longer. Of a longer body a server may hang up before it is heard, which would look as
/// if it were away.
const LONGEST: u64 = 4 << 20;

/// `foghorn bounce`
#[derive(Debug, Clone, Args)]
pub struct BounceArgs {
    /// The channel that sent the mail
    #[arg(long, value_name = "NAME", default_value = "email", value_parser = name)]
    pub channel: String,
    /// Where the channel's bounce_secret is, unless FOGHORN_BOUNCE_SECRET holds it; who may open the
    /// socket needs none
    #[arg(long, value_name = "PATH")]
    pub secret_file: Option<PathBuf>,
    /// The secret itself; never as a word of the command line, where everybody can read it
    #[arg(skip = std::env::var("FOGHORN_BOUNCE_SECRET").ok())]
    pub secret: Option<String>,
}

/// Reads one mail from standard input and hands it over.
pub(super) async fn bounce<W>(args: &BounceArgs, session: &Session<W>) -> Exit {
    let (mail, secret) = match (read(), secret(args)) {
        (Ok(mail), Ok(secret)) => (mail, secret),
        (Err(why), _) | (_, Err(why)) => {
            say(&why);
            return Exit::Later;
        }
    };
    if mail.len() as u64 > LONGEST {
        say(&format!("error {}: a report of more than {LONGEST} bytes is not read", Code::TooLarge));
        return Exit::Unfit;
    }
    let path = format!("/callbacks/{}", args.channel);
    match session.server.hand_over(&path, mail, secret.as_deref()).await {
        Ok(()) => Exit::Done,
        Err(failure) => {
            failure.tell();
            ending(&failure)
        }
    }
}

fn read() -> Result<Vec<u8>, String> {
    let mut mail = Vec::new();
    let read = io::stdin().lock().take(LONGEST + 1).read_to_end(&mut mail);
    read.map(|_| mail).map_err(|why| format!("standard input cannot be read: {why}"))
}

fn secret(args: &BounceArgs) -> Result<Option<String>, String> {
    let Some(path) = &args.secret_file else { return Ok(args.secret.clone()) };
    let text = fs::read_to_string(path).map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What is wrong with the mail stays wrong; everything else somebody can mend while the mail waits.
fn ending(failure: &Failure) -> Exit {
    let unfit = [Code::InvalidBody.as_str(), Code::TooLarge.as_str()];
    match failure {
        Failure::Refused { code, .. } if unfit.contains(&code.as_str()) => Exit::Unfit,
        _ => Exit::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_mail_sends_it_back() {
        let refused = |code: Code| Failure::Refused {
            exit: Exit::Failed,
            code: code.as_str().to_owned(),
            told: String::new(),
        };
        for code in [Code::InvalidBody, Code::TooLarge] {
            assert_eq!(ending(&refused(code)).code(), 65, "{code}");
        }
        for code in [Code::Unsigned, Code::NotFound, Code::Unavailable, Code::Internal, Code::TooSlow] {
            assert_eq!(ending(&refused(code)).code(), 75, "{code}");
        }
        assert_eq!(ending(&Failure::Unreachable(String::new())).code(), 75);
    }
}
