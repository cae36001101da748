//! What the requests of other systems look like, for the reference of the API. They are read by their own
//! modules, one word at a time; a test here holds the two together.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Words, the channels they go over, and to whom.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationOverChannels)]
pub struct OverChannels {
    /// What is said.
    pub content: String,
    /// Names of channels; one text with commas will do as well.
    #[schema(value_type = Texts)]
    pub channels: Vec<String>,
    /// An address or the name of a user, or a list of them; without one, a `user` who can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Texts>)]
    pub destination: Option<String>,
    /// Whoever is told, by their name or with what is known of them; more than this makes no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Whom>)]
    pub user: Option<Profile>,
    /// Unless said, the beginning of `content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub subject: Option<String>,
    /// Said again with the same one, it is done once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// One text, or several.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OneTextOrSeveral)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotifiedUser)]
#[serde(untagged)]
pub enum Whom {
    /// By their name.
    Name(String),
    /// By a name that is a number.
    Number(f64),
    /// With what is known of them.
    Known(Profile),
}

/// What is known of a user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationProfile)]
pub struct Profile {
    /// Their name here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where mail goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where text messages go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A mail of a type that people may turn off.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationToAddress)]
pub struct ToAddress {
    /// What kind of message it is: `welcome`.
    pub notification_type: String,
    /// Whom it goes to.
    pub recipient_email: String,
    /// Unless said, that of the template, or the beginning of `content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub subject: Option<String>,
    /// What is said, or the name of a template.
    pub content: String,
    /// Variables of the template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(nullable)]
    pub template_vars: BTreeMap<String, serde_json::Value>,
    /// Said again with the same one, it is done once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}
