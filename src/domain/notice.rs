//! The messages that every service with users sends them: what each is called, wherever it is named.

/// A message to a user of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// They have to show that an address is theirs.
    EmailVerification,
    /// They want another password.
    PasswordReset,
    /// They are new.
    Welcome,
    /// Something happened to their account.
    SecurityAlert,
}

impl Notice {
    /// Every one.
    pub const ALL: [Self; 4] =
        [Self::EmailVerification, Self::PasswordReset, Self::Welcome, Self::SecurityAlert];

    /// Its type in a request, its name as a template, and its key in preferences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
            Self::Welcome => "welcome",
            Self::SecurityAlert => "security_alert",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }

    /// What other services call the events that ask for it; the first is what most of them say.
    pub fn events(self) -> &'static [&'static str] {
        match self {
            Self::EmailVerification => &["UserEmailVerificationRequested"],
            Self::PasswordReset => &["UserPasswordResetRequested", "PasswordResetRequested"],
            Self::Welcome => &["UserWelcomeRequested", "UserRegistered"],
            Self::SecurityAlert => &["UserSecurityAlertRequested"],
        }
    }
}
