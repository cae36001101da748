//! Reading `[channels.NAME]`: each key once, with its own message when it is wrong.

use std::time::Duration;

use secrecy::SecretString;

use super::{Settings, SettingsProblem};

/// What may be switched on and off, or said in detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FlagOrText {
    /// On or off.
    Flag(bool),
    /// In detail.
    Text(String),
}

/// Takes keys out of settings and gathers what is wrong with them. No message repeats a value,
/// because any value may be a secret in the wrong place.
pub(super) struct Reader {
    settings: Settings,
    problems: Vec<SettingsProblem>,
}

impl Reader {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), problems: Vec::new() }
    }

    /// Says that `key` is wrong.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(SettingsProblem { key: Some(key.to_owned()), message: message.into() });
    }

    /// A text; an empty one is none.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.settings.remove(key)? {
            toml::Value::String(text) if text.is_empty() => None,
            toml::Value::String(text) => Some(text),
            _ => {
                self.problem(key, "must be a text");
                None
            }
        }
    }

    /// A text that is never printed.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    /// A text that has to be there.
    pub(super) fn required(&mut self, key: &str, example: &str) -> Option<String> {
        let known = self.problems.len();
        let text = self.text(key);
        if text.is_none() && self.problems.len() == known {
            self.problem(key, format!("is missing; for example {key} = \"{example}\""));
        }
        text
    }

    /// A whole number from `lowest` to `highest`.
    pub(super) fn number(&mut self, key: &str, lowest: u64, highest: u64) -> Option<u64> {
        let number = match self.settings.remove(key)? {
            toml::Value::Integer(number) => u64::try_from(number).ok(),
            _ => None,
        };
        let number = number.filter(|number| (lowest..=highest).contains(number));
        if number.is_none() {
            self.problem(key, format!("must be a whole number from {lowest} to {highest}"));
        }
        number
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.settings.remove(key)? {
            toml::Value::Boolean(flag) => Some(flag),
            _ => {
                self.problem(key, "must be true or false");
                None
            }
        }
    }

    /// Yes, no, or a text.
    pub(super) fn flag_or_text(&mut self, key: &str) -> Option<FlagOrText> {
        match self.settings.remove(key)? {
            toml::Value::Boolean(flag) => Some(FlagOrText::Flag(flag)),
            toml::Value::String(text) if !text.is_empty() => Some(FlagOrText::Text(text)),
            _ => {
                self.problem(key, "must be true, false or a text");
                None
            }
        }
    }

    /// A text, a whole number or a flag, each as it is written.
    pub(super) fn word(&mut self, key: &str) -> Option<String> {
        match self.settings.remove(key)? {
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(flag.to_string()),
            _ => {
                self.problem(key, "must be a text, a whole number, true or false");
                None
            }
        }
    }

    /// A list of whole numbers from `lowest` to `highest`.
    pub(super) fn numbers(&mut self, key: &str, lowest: u16, highest: u16) -> Option<Vec<u16>> {
        let list = self.settings.remove(key)?;
        let number = |item: &toml::Value| u16::try_from(item.as_integer()?).ok();
        let numbers = list.as_array().and_then(|list| list.iter().map(number).collect::<Option<Vec<_>>>());
        let numbers = numbers.filter(|numbers| {
            !numbers.is_empty() && numbers.iter().all(|number| (lowest..=highest).contains(number))
        });
        if numbers.is_none() {
            self.problem(key, format!("must be a list of whole numbers from {lowest} to {highest}"));
        }
        numbers
    }

    /// A list of texts, each a word without blanks.
    pub(super) fn list(&mut self, key: &str) -> Option<Vec<String>> {
        let list = self.settings.remove(key)?;
        let word = |item: &toml::Value| item.as_str().filter(|word| is_word(word)).map(str::to_owned);
        let words = list.as_array().and_then(|list| list.iter().map(word).collect::<Option<Vec<_>>>());
        if words.is_none() {
            self.problem(key, "must be a list of words");
        }
        words
    }

    /// Is there anything at `key`?
    pub(super) fn has(&self, key: &str) -> bool {
        self.settings.contains_key(key)
    }

    /// A secret that has to be there.
    pub(super) fn required_secret(&mut self, key: &str, example: &str) -> Option<SecretString> {
        self.required(key, example).map(SecretString::from)
    }

    /// A table of texts, in the order of their keys.
    pub(super) fn texts(&mut self, key: &str) -> Vec<(String, String)> {
        let Some(value) = self.settings.remove(key) else { return Vec::new() };
        let texts = value.as_table().and_then(|table| {
            let texts = table.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            texts.collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.problem(key, "must be a table of texts");
        }
        texts.unwrap_or_default()
    }

    /// A duration from a moment to `longest`.
    pub(super) fn duration(&mut self, key: &str, longest: Duration) -> Option<Duration> {
        let text = self.text(key)?;
        let duration = humantime::parse_duration(&text)
            .ok()
            .filter(|duration| !duration.is_zero() && *duration <= longest);
        if duration.is_none() {
            let longest = humantime::format_duration(longest);
            self.problem(key, format!("must be a duration up to {longest}, for example \"15s\""));
        }
        duration
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let chosen = choices.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.problem(key, format!("must be one of {}", words.join(", ")));
        }
        chosen.map(|(_, value)| *value)
    }

    /// What is wrong: the problems found, and each key that nobody took.
    pub(super) fn finish(mut self) -> Vec<SettingsProblem> {
        let unknown: Vec<String> = self.settings.keys().cloned().collect();
        for key in unknown {
            self.problem(&key, "is not a key of this provider");
        }
        self.problems
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
