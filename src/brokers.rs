//! How brokers of the Kafka protocol are reached and signed in to: the same for who reads and who writes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rdkafka::error::KafkaError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Name and password.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// How they are shown to the broker.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password.
    #[serde(deserialize_with = "secret")]
    pub password: SecretString,
}

/// How name and password are shown to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    /// In clear: only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge and response.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge and response.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Encryption.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether to speak TLS. The broker's certificate and name are always verified.
    pub enabled: bool,
    /// Certificates to trust; empty means the machine's.
    pub ca_file: PathBuf,
    /// Our own certificate, if brokers ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    pub key_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Its key, below the table of whoever talks to the brokers.
    pub key: String,
    /// Why not, and what instead.
    pub detail: String,
}

impl Objection {
    /// To the value of `key`.
    pub fn to(key: &str, detail: &str) -> Self {
        Self { key: key.to_owned(), detail: detail.to_owned() }
    }
}

/// What cannot be about `brokers`.
pub fn objections_to_brokers(brokers: &[String]) -> Vec<Objection> {
    if brokers.iter().all(|broker| broker.trim().is_empty()) {
        return vec![Objection::to("brokers", "name at least one broker, as host:port")];
    }
    Vec::new()
}

/// What cannot be about `sasl` and `tls`.
pub fn objections_to_access(brokers: &[String], sasl: Option<&Sasl>, tls: &Tls) -> Vec<Objection> {
    let mut objections = Vec::new();
    let plain = sasl.is_some_and(|sasl| sasl.mechanism == Mechanism::Plain);
    if plain && !tls.enabled && !brokers.iter().all(|broker| is_here(broker)) {
        objections.push(Objection::to(
            "sasl.mechanism",
            "PLAIN shows the password to whoever is on the way: set tls.enabled, or use SCRAM-SHA-512",
        ));
    }
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        objections.push(Objection::to("tls", "cert_file and key_file go together"));
    }
    objections
}

/// The same in librdkafka's words.
pub fn access(sasl: Option<&Sasl>, tls: &Tls) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    let protocol = match (sasl, tls.enabled) {
        (None, false) => None,
        (None, true) => Some("ssl"),
        (Some(_), false) => Some("sasl_plaintext"),
        (Some(_), true) => Some("sasl_ssl"),
    };
    settings.extend(protocol.map(|protocol| ("security.protocol", protocol.to_owned())));
    if let Some(sasl) = sasl {
        settings.push(("sasl.mechanism", sasl.mechanism.as_str().to_owned()));
        settings.push(("sasl.username", sasl.username.clone()));
        settings.push(("sasl.password", sasl.password.expose_secret().to_owned()));
    }
    let files = [
        ("ssl.ca.location", Some(&tls.ca_file)),
        ("ssl.certificate.location", tls.cert_file.as_ref()),
        ("ssl.key.location", tls.key_file.as_ref()),
    ];
    for (key, file) in files {
        if let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) {
            settings.push((key, file.to_string_lossy().into_owned()));
        }
    }
    settings
}

/// Nobody is on the way to a broker on this machine.
fn is_here(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What cannot be about the topic under `key`.
pub fn objection_to_topic(key: &str, name: &str) -> Option<Objection> {
    let fits = (1..=249).contains(&name.len())
        && !matches!(name, "." | "..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let detail = "a topic has 1 to 249 letters, digits, dots, dashes and underscores";
    (!fits).then(|| Objection::to(key, detail))
}

/// What nobody may set through `properties`, and why; reader and writer have more of their own.
const OURS: [(&str, &str); 5] = [
    ("bootstrap.servers", "use brokers"),
    ("metadata.broker.list", "use brokers"),
    ("sasl.password", "use sasl.password, which can be kept out of the file"),
    ("enable.ssl.certificate.verification", "certificates are always verified"),
    ("ssl.endpoint.identification.algorithm", "the names in certificates are always verified"),
];

/// What cannot be about `properties`, of which `ours` are not the user's either.
pub fn objections_to_properties(
    properties: &BTreeMap<String, String>,
    ours: &[(&str, &str)],
) -> Vec<Objection> {
    let taken = ours.iter().chain(&OURS).filter(|(key, _)| properties.contains_key(*key));
    let object = |(key, reason): &(&str, &str)| {
        Objection::to(&format!("properties.{key}"), &format!("is not yours to set: {reason}"))
    };
    taken.map(object).collect()
}

/// Why a client could not be made or used. What librdkafka says of a setting that it refuses repeats its
/// value, which may be a secret: it is left out.
pub fn in_words(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, description, key, _) => format!("setting {key}: {description}"),
        other => other.to_string(),
    }
}
