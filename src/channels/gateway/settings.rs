//! `[channels.NAME]` with `provider = "http"`: what a request looks like, and which answers mean yes.

use std::borrow::Cow;

use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::channels::http::HttpSettings;
use crate::channels::settings::Reader;
use crate::render::gateway::{BodyKind, BodyTemplate, Said};

/// What the settings of one type of channel do not share with another.
pub(in crate::channels) struct Dialect {
    /// The key of the address.
    pub(in crate::channels) address: &'static str,
    /// What a body may name, for messages.
    pub(in crate::channels) names: &'static str,
    /// A body of JSON, as it is written in a file.
    pub(in crate::channels) json: &'static str,
    /// A body that is a form.
    pub(in crate::channels) form: &'static str,
}

const METHODS: &[(&str, Method)] = &[("POST", Method::POST), ("GET", Method::GET), ("PUT", Method::PUT)];

/// What a body is unless the operator says otherwise.
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Headers that belong to the request itself.
const OURS: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_LENGTH, HOST, CONNECTION, TRANSFER_ENCODING];

/// Something that an answer has to show to mean yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// This value at this JSON pointer.
    Value { pointer: String, value: String },
    /// This text anywhere in it.
    Text(String),
}

/// What is needed to talk to a gateway.
pub(super) struct GatewaySettings {
    pub(super) url: Url,
    pub(super) method: Method,
    /// Without the content type. All of them count as secrets.
    pub(super) headers: HeaderMap,
    pub(super) content_type: HeaderValue,
    /// Of a `GET`, the query.
    pub(super) body: BodyTemplate,
    pub(super) secret: Option<SecretString>,
    /// Instead of all from 200 to 299.
    pub(super) success_status: Option<Vec<u16>>,
    /// All of them have to hold.
    pub(super) proofs: Vec<Proof>,
    /// Where in an answer the gateway's id of the message is.
    pub(super) id_pointer: Option<String>,
}

impl GatewaySettings {
    /// `None` if something that is needed is missing; the reader knows what.
    pub(super) fn read(
        reader: &mut Reader,
        http: &HttpSettings,
        dialect: &Dialect,
        sample: &Said<'_>,
    ) -> Option<Self> {
        let url = http.address(reader, dialect.address, None);
        let method = method(reader);
        let headers = headers(reader);
        let content_type = content_type(reader, &method);
        let secret = reader.secret("secret");
        let kind = BodyKind::of(content_type.to_str().unwrap_or_default());
        let sample = with_secret(sample, secret.as_ref());
        let body = body(reader, kind, dialect, &sample);
        let success_status = reader.numbers("success_status", 200, 399);
        let proofs = proofs(reader);
        let id_pointer = pointer(reader, "id_pointer");
        Some(Self {
            url: url?,
            method,
            headers,
            content_type,
            body: body?,
            secret,
            success_status,
            proofs,
            id_pointer,
        })
    }
}

fn method(reader: &mut Reader) -> Method {
    let Some(text) = reader.text("method") else { return Method::POST };
    let known = METHODS.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        reader.problem("method", "must be one of POST, GET, PUT");
    }
    known.map_or(Method::POST, |(_, method)| method.clone())
}

fn headers(reader: &mut Reader) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in reader.texts("headers") {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            reader.problem("headers", "holds a name that no header can have");
            continue;
        };
        if OURS.contains(&header) {
            let other = if header == CONTENT_TYPE { "; say it with content_type" } else { "" };
            reader.problem("headers", format!("holds {header}, which the request has already{other}"));
            continue;
        }
        match HeaderValue::from_str(&value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(header, value);
            }
            Err(_) => reader.problem("headers", format!("holds a {header} that no header can hold")),
        }
    }
    headers
}

fn content_type(reader: &mut Reader, method: &Method) -> HeaderValue {
    let text = reader.text("content_type");
    if *method == Method::GET {
        if text.is_some() {
            reader.problem("content_type", "says nothing with method = \"GET\": its body is the query");
        }
        return HeaderValue::from_static(FORM);
    }
    let Some(text) = text else { return HeaderValue::from_static(JSON) };
    HeaderValue::from_str(&text).unwrap_or_else(|_| {
        reader.problem("content_type", "must be one such as \"application/json\"");
        HeaderValue::from_static(JSON)
    })
}

fn body(reader: &mut Reader, kind: BodyKind, dialect: &Dialect, sample: &Said<'_>) -> Option<BodyTemplate> {
    let example = match kind {
        BodyKind::Form => dialect.form,
        BodyKind::Json | BodyKind::Xml | BodyKind::Plain => dialect.json,
    };
    let source = reader.required("body", example)?;
    match BodyTemplate::compile(&source, kind, dialect.names, sample) {
        Ok(template) => Some(template),
        Err(why) => {
            reader.problem("body", why);
            None
        }
    }
}

/// What a body may say, and the operator's secret, if there is one.
pub(super) fn with_secret<'a>(
    said: &Said<'a>,
    secret: Option<&'a SecretString>,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let secret = secret.map(|secret| ("secret", Cow::Borrowed(secret.expose_secret())));
    said.iter().cloned().chain(secret).collect()
}

fn proofs(reader: &mut Reader) -> Vec<Proof> {
    let at = pointer(reader, "success_pointer");
    let has_value = reader.has("success_value");
    let value = reader.word("success_value");
    let text = reader.text("success_text");
    match (&at, has_value) {
        (Some(_), false) => reader.problem("success_value", "is missing beside success_pointer"),
        (None, true) => reader.problem("success_pointer", "is missing beside success_value"),
        (Some(_), true) | (None, false) => {}
    }
    let value = at.zip(value).map(|(pointer, value)| Proof::Value { pointer, value });
    value.into_iter().chain(text.map(Proof::Text)).collect()
}

fn pointer(reader: &mut Reader, key: &str) -> Option<String> {
    let text = reader.text(key)?;
    if !text.starts_with('/') {
        reader.problem(key, "must be a JSON pointer, for example \"/messages/0/id\"");
    }
    Some(text)
}
