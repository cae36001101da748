//! What the settings of several kinds of sources have in common.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::SourceError;
pub use super::kafka::Start;
pub use crate::brokers::Objection;

/// Files for TLS; whether it is spoken at all is the address's to say. Certificates and names are always
/// verified.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificates to trust; empty means the machine's.
    pub ca_file: PathBuf,
    /// Our own certificate, if the server asks for one.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// Our own certificate and its key, as their files have them.
pub(super) struct Own {
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl Tls {
    /// Is any of them given?
    pub fn names_a_file(&self) -> bool {
        [&self.ca_file, &self.cert_file, &self.key_file].iter().any(|file| !file.as_os_str().is_empty())
    }

    /// What cannot be about them.
    pub fn objection(&self) -> Option<Objection> {
        let half = self.cert_file.as_os_str().is_empty() != self.key_file.as_os_str().is_empty();
        half.then(|| Objection::to("tls", "cert_file and key_file go together"))
    }

    /// The certificates to trust, unless they are the machine's.
    pub(super) fn authorities(&self) -> Result<Option<Vec<u8>>, SourceError> {
        if self.ca_file.as_os_str().is_empty() {
            return Ok(None);
        }
        read("tls.ca_file", &self.ca_file).map(Some)
    }

    /// Our own certificate and its key.
    pub(super) fn own(&self) -> Result<Option<Own>, SourceError> {
        if self.cert_file.as_os_str().is_empty() {
            return Ok(None);
        }
        let chain = read("tls.cert_file", &self.cert_file)?;
        Ok(Some(Own { chain, key: read("tls.key_file", &self.key_file)? }))
    }
}

fn read(key: &str, file: &PathBuf) -> Result<Vec<u8>, SourceError> {
    std::fs::read(file).map_err(|error| {
        SourceError::Refused(format!("{key} = \"{}\" cannot be read: {error}", file.display()))
    })
}

/// A secret, if there is one.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(Into::into))
}

/// `"30s"`
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

/// An address without the password that may stand in it.
pub(super) fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return String::new();
    };
    // The last @, because a password may hold one that should have been escaped.
    let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let place = place.split('?').next().unwrap_or_default();
    match login.split(':').next().unwrap_or_default() {
        "" => format!("{scheme}://{place}"),
        user => format!("{scheme}://{user}@{place}"),
    }
}
