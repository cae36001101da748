//! The token that a command shows: out of a file or a variable, and never a word of the command line,
//! where everybody on the machine can read it.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::connection::Failure;

/// Where the token is.
#[derive(Debug, Args)]
pub struct Pass {
    /// Where the token is that a Foghorn asks for, unless FOGHORN_TOKEN holds it; who may open the
    /// socket needs none
    #[arg(long, global = true, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// The token itself; never as a word of the command line
    #[arg(skip = from_environment())]
    pub variable: Option<SecretString>,
}

fn from_environment() -> Option<SecretString> {
    std::env::var("FOGHORN_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from)
}

impl Pass {
    /// The token, if there is one.
    pub(super) fn token(&self) -> Result<Option<SecretString>, Failure> {
        let Some(path) = &self.token_file else { return Ok(self.variable.clone()) };
        let text = fs::read_to_string(path).map_err(|why| {
            Failure::NoToken(format!("the token in {} cannot be read: {why}", path.display()))
        })?;
        let token = text.trim();
        if token.is_empty() {
            return Err(Failure::NoToken(format!("there is no token in {}", path.display())));
        }
        Ok(Some(SecretString::from(token.to_owned())))
    }
}
