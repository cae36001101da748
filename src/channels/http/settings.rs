//! What every provider behind HTTP can be told.

use std::time::Duration;

use reqwest::{Certificate, Url};

use super::guard::Guard;
use crate::channels::LONGEST_ATTEMPT;
use crate::channels::settings::Reader;

/// Unless the channel says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What every provider behind HTTP can be told.
pub(in crate::channels) struct HttpSettings {
    pub(super) timeout: Duration,
    pub(super) allow_private_networks: bool,
    pub(super) authorities: Vec<Certificate>,
}

impl HttpSettings {
    /// Takes `timeout`, `allow_private_networks` and `ca_file`.
    pub(in crate::channels) fn read(reader: &mut Reader) -> Self {
        let timeout = reader.duration("timeout", LONGEST_ATTEMPT).unwrap_or(TIMEOUT);
        let allow_private_networks = reader.flag("allow_private_networks").unwrap_or(false);
        let authorities = reader.text("ca_file").map_or_else(Vec::new, |path| authorities(reader, &path));
        Self { timeout, allow_private_networks, authorities }
    }

    /// Whether this channel could ever reach `url`.
    ///
    /// # Errors
    /// Why not, for people.
    pub(in crate::channels) fn admit(&self, url: &Url) -> Result<(), String> {
        Guard::new(self.allow_private_networks).check(url).map_err(|why| why.to_string())
    }

    /// Takes the address at `key`, or `default` if there is none. An address that this channel could
    /// never reach is a mistake of the settings.
    pub(in crate::channels) fn address(
        &self,
        reader: &mut Reader,
        key: &str,
        default: Option<&str>,
    ) -> Option<Url> {
        let text = match default {
            Some(default) => reader.text(key).unwrap_or_else(|| default.to_owned()),
            None => reader.required(key, "https://hooks.example.com/foghorn")?,
        };
        let Ok(url) = text.parse::<Url>() else {
            reader.problem(key, "must be a whole address, for example \"https://hooks.example.com/foghorn\"");
            return None;
        };
        match self.admit(&url) {
            Ok(()) => Some(url),
            Err(why) => {
                reader.problem(key, format!("leads nowhere: {why}"));
                None
            }
        }
    }
}

fn authorities(reader: &mut Reader, path: &str) -> Vec<Certificate> {
    let read = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"));
    let certificates = read.and_then(|pem| {
        Certificate::from_pem_bundle(&pem).map_err(|_| "holds no certificates in PEM".to_owned())
    });
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            reader.problem("ca_file", "holds no certificates in PEM");
            Vec::new()
        }
        Ok(certificates) => certificates,
        Err(problem) => {
            reader.problem("ca_file", problem);
            Vec::new()
        }
    }
}
