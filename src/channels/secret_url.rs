//! An address that is a secret: whoever knows it may post.

use std::fmt;

use reqwest::Url;

use super::http::HttpSettings;
use super::settings::Reader;

/// What is shorter is in every answer, and no secret.
const SHORTEST: usize = 8;

/// An address that is a secret.
pub(super) struct SecretUrl(Url);

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretUrl").field(&self.0.host_str()).finish()
    }
}

impl SecretUrl {
    /// Takes the address at `key`.
    pub(super) fn read(reader: &mut Reader, http: &HttpSettings, key: &str) -> Option<Self> {
        http.address(reader, key, None).map(Self)
    }

    /// The address itself, to call it.
    pub(super) fn expose(&self) -> &Url {
        &self.0
    }

    /// `words` without what makes the address a secret, should the other side have repeated it.
    pub(super) fn hush(&self, words: &str) -> String {
        hush(&self.0, words)
    }
}

/// `words` without the path and the query of `url`, whole or in parts.
pub(super) fn hush(url: &Url, words: &str) -> String {
    let query = url.query().unwrap_or_default();
    let parts = [url.path(), query].into_iter().chain(url.path().split('/')).chain(query.split(['&', '=']));
    parts
        .filter(|part| part.len() >= SHORTEST)
        .fold(words.to_owned(), |words, part| words.replace(part, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_comes_back_shows_its_host_and_nothing_else() {
        let url: Url = "https://hooks.example.com/services/T0000000/B0000000/XXXXXXXXXXXX?sig=YYYYYYYYYYYY"
            .parse()
            .unwrap();
        let words = format!("{url} {} XXXXXXXXXXXX YYYYYYYYYYYY T0000000", url.path());
        let said = hush(&url, &words);
        assert!(!said.contains("XXXX") && !said.contains("YYYY") && !said.contains("T0000"), "{said}");
        assert!(said.contains("hooks.example.com"));
        assert!(!format!("{:?}", SecretUrl(url)).contains("XXXX"));
    }
}
