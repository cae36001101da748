//! The languages that Foghorn speaks itself. Whoever reads another one has templates for it.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// What those read who read none of the others.
    #[default]
    English,
    /// `de`
    German,
}

impl Language {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// For those who read `locale`, such as `de-AT`.
    pub fn of(locale: &str) -> Self {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        let known = Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(language));
        known.unwrap_or_default()
    }

    /// That of the template `name`: `incident.de` is German, and what says nothing is English.
    pub fn of_template(name: &str) -> Self {
        name.split_once('.').map_or_else(Self::default, |(_, locale)| Self::of(locale))
    }

    /// How it is marked in the names of templates, and in HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The same thing in this one.
    pub(super) fn say<T>(self, english: T, german: T) -> T {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_makes_no_difference_and_what_is_not_spoken_is_english() {
        for (locale, expected) in [
            ("de", Language::German),
            ("DE_at", Language::German),
            ("de-CH", Language::German),
            ("den", Language::English),
            ("fr", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(locale), expected, "{locale}");
        }
        assert_eq!(Language::of_template("incident-sms.de"), Language::German);
        assert_eq!(Language::of_template("incident-sms"), Language::English);
    }
}
