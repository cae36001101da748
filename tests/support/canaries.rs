//! Secrets planted in every place where one may stand, channels that fail with them in every way, and
//! everything by which such a secret would be known again.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use super::process::free_port;
use super::provider::{Heard, Provider, Reply};
use super::smtp_sink::{Act, At, SmtpSink, Tls};
use super::{keys, tls};

/// What goes wrong with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing: even so the provider repeats what it was told.
    Taken,
    /// The credential is refused.
    Refused,
    /// The message is.
    Faulty,
    /// The provider is unwell.
    Broken,
    /// Nobody listens.
    Nobody,
    /// Somebody else listens.
    Impostor,
}

const TROUBLES: [Trouble; 6] =
    [Trouble::Taken, Trouble::Refused, Trouble::Faulty, Trouble::Broken, Trouble::Nobody, Trouble::Impostor];

/// A way out, with settings for one address and the secrets that belong to it.
struct Way {
    kind: &'static str,
    provider: &'static str,
    /// `URL` and `PORT` are where it leads.
    plain: &'static str,
    secrets: fn(&str) -> Vec<(&'static str, String)>,
}

const HTTP: &str = "allow_private_networks = true\n";
const TWILIO: &str =
    "base_url = 'URL'\naccount_sid = 'AC0123456789abcdef0123456789abcdef'\nfrom = '+15550100'\n";

/// What every `whsec_` secret is made of here: long enough, and found again.
const SIGNING: [&[u8]; 2] = [b"canary-webhook-secret-01", b"canary-webhook-previous-02"];
/// What Slack signs with.
const BUTTONS: [&str; 2] = ["canary-slack-signing", "canary-slack-previous-signing"];
/// In a header of the gateway, where credentials usually are.
const IN_A_HEADER: &str = "canary-sms-gateway-header";
/// In a property of librdkafka's.
const IN_A_PROPERTY: &str = "canary-kafka-property";
/// What every access token begins with.
const ACCESS: &str = "ya29.canary-access-token";

/// Every provider that has a secret. One that is missing here fails
/// `every_place_of_a_secret_has_a_canary`.
const WAYS: &[Way] = &[
    Way {
        kind: "email",
        provider: "smtp",
        plain: "host = '127.0.0.1'\nport = PORT\nfrom = 'fog@example.com'\nusername = 'fog'\n",
        secrets: |_| {
            let bounces = ("bounce_secret", "canary-bounce-secret".to_owned());
            vec![("password", "canary-smtp-password".to_owned()), bounces]
        },
    },
    Way {
        kind: "email",
        provider: "postmark",
        plain: "base_url = 'URL'\nfrom = 'fog@example.com'\n",
        secrets: |_| vec![("token", "canary-postmark-token".to_owned())],
    },
    Way {
        kind: "email",
        provider: "sendgrid",
        plain: "base_url = 'URL'\nfrom = 'fog@example.com'\n",
        secrets: |_| vec![("token", "SG.canary-sendgrid-token".to_owned())],
    },
    Way {
        kind: "sms",
        provider: "http",
        plain: "url = 'URL/send'\ncontent_type = 'application/x-www-form-urlencoded'\n\
                body = 'to={{ to }}&text={{ text }}&key={{ secret }}'\n\
                headers = { x-api-key = 'canary-sms-gateway-header' }\n",
        secrets: |_| vec![("secret", "canary-sms-gateway-secret".to_owned())],
    },
    Way {
        kind: "sms",
        provider: "twilio",
        plain: TWILIO,
        secrets: |_| {
            vec![
                ("auth_token", "canary-twilio-token".to_owned()),
                ("previous_auth_token", "canary-twilio-previous-token".to_owned()),
            ]
        },
    },
    Way {
        kind: "sms",
        provider: "twilio",
        plain: "base_url = 'URL'\naccount_sid = 'AC0123456789abcdef0123456789abcdef'\n\
                from = '+15550100'\napi_key = 'SK0123456789abcdef0123456789abcdef'\n",
        secrets: |_| vec![("api_secret", "canary-twilio-api-secret".to_owned())],
    },
    Way {
        kind: "webhook",
        provider: "http",
        plain: "url = 'URL/hook'\n",
        secrets: |_| {
            let [secret, previous] = SIGNING.map(|bytes| format!("whsec_{}", STANDARD.encode(bytes)));
            vec![("secret", secret), ("previous_secret", previous)]
        },
    },
    Way {
        kind: "ios",
        provider: "apns",
        plain: "base_url = 'URL'\nteam_id = 'TEAM123456'\nkey_id = 'KEY1234567'\n\
                topic = 'com.example.foghorn'\n",
        secrets: |_| vec![("key", keys::APNS.to_owned())],
    },
    Way {
        kind: "android",
        provider: "fcm",
        plain: "base_url = 'URL'\n",
        secrets: |url| {
            let account = json!({
                "type": "service_account",
                "project_id": "example-1a2b3",
                "private_key": keys::FCM,
                "client_email": "foghorn@example-1a2b3.iam.gserviceaccount.com",
                "token_uri": format!("{url}/token")
            });
            vec![("service_account", account.to_string())]
        },
    },
    Way {
        kind: "slack",
        provider: "webhook",
        plain: "",
        secrets: |url| {
            let [signing, previous] = BUTTONS.map(str::to_owned);
            vec![
                ("webhook_url", format!("{url}/services/canary-slack-address")),
                ("signing_secret", signing),
                ("previous_signing_secret", previous),
            ]
        },
    },
    Way {
        kind: "slack",
        provider: "api",
        plain: "base_url = 'URL'\nchannel = 'C024BE91L'\n",
        secrets: |_| {
            let [signing, previous] = BUTTONS.map(str::to_owned);
            vec![
                ("token", "xoxb-canary-slack-token".to_owned()),
                ("signing_secret", signing),
                ("previous_signing_secret", previous),
            ]
        },
    },
    Way {
        kind: "chat",
        provider: "teams",
        plain: "",
        secrets: |url| vec![("webhook_url", format!("{url}/webhookb2/canary-teams-address"))],
    },
    Way {
        kind: "chat",
        provider: "discord",
        plain: "",
        secrets: |url| vec![("webhook_url", format!("{url}/api/webhooks/1/canary-discord-address"))],
    },
    Way {
        kind: "chat",
        provider: "mattermost",
        plain: "",
        secrets: |url| vec![("webhook_url", format!("{url}/hooks/canary-mattermost-address"))],
    },
    Way {
        kind: "chat",
        provider: "http",
        plain: "body = '{\"text\": \"{{ text }}\", \"key\": \"{{ secret }}\"}'\n",
        secrets: |url| {
            let secret = ("secret", "canary-chat-secret".to_owned());
            vec![("webhook_url", format!("{url}/send/canary-chat-address")), secret]
        },
    },
];

/// Secrets beside the channels, each with its place.
const ELSEWHERE: [(&str, &str); 15] = [
    ("server.heartbeat_url", "canary-heartbeat"),
    ("sources.sasl.password", "canary-kafka-password"),
    ("store.password", "canary-store-password"),
    ("events_out.sasl.password", "canary-events-password"),
    ("events_out.secret", "canary-events-secret-001"),
    ("events_out.previous_secret", "canary-events-previous-2"),
    ("tokens.secret", "fh_canary-of-a-configured-token"),
    ("auth.oidc.client_secret", "canary-oidc-client-secret"),
    ("sources.password", "canary-password-of-a-source"),
    ("sources.token", "canary-token-of-a-source"),
    ("sources.table.password", "canary-table-password"),
    ("sources.service_account", "canary-pubsub-key"),
    ("events_out.password", "canary-exchange-password"),
    ("sources.secret", "canary-secret-of-a-sender"),
    ("sources.previous_secret", "canary-previous-of-a-sender"),
];

/// How a secret is said in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// By naming its file.
    File,
    /// In the configuration itself.
    Clear,
    /// In the configuration itself, behind a key that is misspelt.
    Misspelt,
}

/// Who is behind a channel.
enum Behind {
    Http(Provider),
    Mail { _sink: SmtpSink },
    Nobody,
}

/// One channel and who is behind it.
struct Channel {
    name: String,
    way: &'static Way,
    url: String,
    behind: Behind,
}

/// Everything that was planted.
pub(crate) struct Canaries {
    dir: TempDir,
    channels: Vec<Channel>,
    heartbeat: Provider,
    nobody: u16,
}

impl Canaries {
    /// Plants them all.
    pub(crate) async fn plant() -> Self {
        let mut channels = Vec::new();
        for (number, way) in WAYS.iter().enumerate() {
            for trouble in TROUBLES {
                let (url, behind) = behind(way, trouble).await;
                let name = format!("{}-{number}-{trouble:?}", way.kind).to_lowercase();
                channels.push(Channel { name, way, url, behind });
            }
        }
        let heartbeat = Provider::start(|heard| Reply::json(500, &heard.path)).await;
        Self { dir: tempfile::tempdir().unwrap(), channels, heartbeat, nobody: free_port().await }
    }

    /// Names of the channels.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|channel| channel.name.as_str())
    }

    /// The tables of all channels and of a source that reaches nobody.
    pub(crate) fn tables(&self, form: Form) -> String {
        let mut text = String::new();
        for Channel { name, way, url, .. } in &self.channels {
            let Way { kind, provider, plain, secrets } = way;
            let port = url.rsplit(':').next().unwrap();
            text += &format!("[channels.{name}]\ntype = '{kind}'\nprovider = '{provider}'\nworkers = 1\n");
            text += &format!("retry = {{ max_attempts = 1 }}\nca_file = '{}'\n", tls::AUTHORITY);
            text += &plain.replace("URL", url).replace("PORT", port);
            text += if *provider == "smtp" { "security = 'starttls'\n" } else { HTTP };
            for (key, secret) in secrets(url) {
                text += &self.said(form, name, key, &secret);
            }
        }
        let password = self.said(form, "bus", "password", ELSEWHERE[1].1);
        let secret = self.said(form, "reader", "secret", ELSEWHERE[6].1);
        let login = self.said(form, "oidc", "client_secret", ELSEWHERE[7].1);
        text += &format!(
            "[auth.oidc]\nissuer = '{}'\nclient_id = 'fog'\nadmin_group = 'sre'\nallow_private_networks = true\n{login}",
            self.heartbeat.url()
        );
        text += &format!("[tokens.reader]\nscopes = ['read']\n{secret}");
        text += &format!(
            "[sources.bus]\ntype = 'kafka'\nbrokers = ['127.0.0.1:{}']\ntopics = ['t']\n\
             properties = {{ 'sasl.oauthbearer.client.secret' = '{IN_A_PROPERTY}' }}\n\
             [sources.bus.sasl]\nmechanism = 'SCRAM-SHA-256'\nusername = 'u'\n{password}",
            self.nobody
        );
        text + &self.buses(form) + &self.senders(form) + &self.sinks(form)
    }

    /// Buses that nobody is behind.
    fn buses(&self, form: Form) -> String {
        let nobody = self.nobody;
        let password = |name: &str| self.said(form, name, "password", ELSEWHERE[8].1);
        let token = self.said(form, "nats", "token", ELSEWHERE[9].1);
        let table = self.said(form, "table", "password", ELSEWHERE[10].1);
        let key = json!({
            "type": "service_account", "client_email": "f@acme.example", "project_id": "p", "private_key_id": "1",
            "private_key": ELSEWHERE[11].1,
        });
        let account = self.said(form, "google", "service_account", &key.to_string());
        format!(
            "[sources.redis]\ntype = 'redis'\nurl = 'redis://127.0.0.1:{nobody}'\nstreams = ['s']\n{}\
             [sources.nats]\ntype = 'nats'\nservers = ['nats://127.0.0.1:{nobody}']\nstream = 's'\n{token}\
             [sources.hybrid]\ntype = 'redis'\nmode = 'hybrid'\nurl = 'redis://127.0.0.1:{nobody}'\n\
             [sources.hybrid.table]\nurl = 'postgres://fog@127.0.0.1:{nobody}/fog'\n{table}\
             [sources.rabbit]\ntype = 'rabbitmq'\nurl = 'amqp://u@127.0.0.1:{nobody}/'\nqueues = ['q']\n{}\
             [sources.google]\ntype = 'pubsub'\nproject = 'p'\nsubscriptions = ['sub']\n\
             endpoint = 'https://127.0.0.1:{nobody}'\n{account}",
            password("redis"),
            password("rabbit"),
        )
    }

    /// Sources that a sender has a credential for.
    fn senders(&self, form: Form) -> String {
        let [token, password, secret, previous] = [
            self.said(form, "shown", "token", ELSEWHERE[9].1),
            self.said(form, "basic", "password", ELSEWHERE[8].1),
            self.said(form, "signed", "secret", ELSEWHERE[13].1),
            self.said(form, "signed", "previous_secret", ELSEWHERE[14].1),
        ];
        format!(
            "[sources.shown]\ntype = 'http'\n{token}[sources.basic]\ntype = 'http'\nusername = 'u'\n{password}\
             [sources.signed]\ntype = 'http'\nsignature = 'github'\n{secret}{previous}"
        )
    }

    /// A topic that nobody is behind, and a receiver that is unwell and repeats what it hears.
    fn sinks(&self, form: Form) -> String {
        let signing = |at: usize| format!("whsec_{}", STANDARD.encode(ELSEWHERE[at].1));
        let secret = self.said(form, "hook", "secret", &signing(4));
        let previous = self.said(form, "hook", "previous_secret", &signing(5));
        let password = self.said(form, "out", "password", ELSEWHERE[3].1);
        let exchange = self.said(form, "exchange", "password", ELSEWHERE[12].1);
        format!(
            "[events_out.exchange]\ntype = 'rabbitmq'\nurl = 'amqp://u@127.0.0.1:{nobody}/'\n{exchange}\
             [events_out.hook]\ntype = 'webhook'\nurl = '{}/events'\nallow_private_networks = true\n\
             {secret}{previous}\
             [events_out.out]\ntype = 'kafka'\nbrokers = ['127.0.0.1:{nobody}']\ntopic = 't'\n\
             properties = {{ 'sasl.oauthbearer.client.secret' = '{IN_A_PROPERTY}' }}\n\
             [events_out.out.sasl]\nmechanism = 'SCRAM-SHA-256'\nusername = 'u'\n{password}",
            self.heartbeat.url(),
            nobody = self.nobody
        )
    }

    /// Lines of `[server]`.
    pub(crate) fn server(&self, form: Form) -> String {
        let url = format!("{}/{}", self.heartbeat.url(), ELSEWHERE[0].1);
        format!("{}heartbeat_every = '1s'\n", self.said(form, "server", "heartbeat_url", &url))
    }

    /// A `[store]` that nobody answers for.
    pub(crate) fn store(&self, form: Form) -> String {
        let password = self.said(form, "store", "password", ELSEWHERE[2].1);
        format!("[store]\nurl = 'postgres://fog@127.0.0.1:{}/fog'\n{password}", self.nobody)
    }

    fn said(&self, form: Form, owner: &str, key: &str, secret: &str) -> String {
        match form {
            Form::File => {
                let path = self.dir.path().join(format!("{owner}.{key}"));
                fs::write(&path, secret).unwrap();
                format!("{key} = {{ file = '{}' }}\n", path.display())
            }
            Form::Clear => format!("{key} = '''\n{}'''\n", secret.trim_end()),
            Form::Misspelt => format!("{} = '''\n{}'''\n", &key[..key.len() - 1], secret.trim_end()),
        }
    }

    /// Every text by which a secret would be known again: as it is, encoded, as a provider heard it.
    pub(crate) fn needles(&self) -> Vec<String> {
        let mut needles: Vec<String> =
            [IN_A_HEADER, IN_A_PROPERTY, ACCESS].iter().map(|text| (*text).to_owned()).collect();
        needles.extend(ELSEWHERE.iter().map(|(_, secret)| (*secret).to_owned()));
        needles.extend(ELSEWHERE[4..].iter().map(|(_, secret)| STANDARD.encode(secret)));
        needles.extend(SIGNING.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        for channel in &self.channels {
            for (key, secret) in (channel.way.secrets)(&channel.url) {
                match key {
                    "key" | "service_account" => {
                        let pem = if key == "key" { keys::APNS } else { keys::FCM };
                        needles.extend(keys::telling_lines(pem).map(str::to_owned));
                    }
                    // Its host may be known.
                    "webhook_url" => needles.extend(secret.rsplit('/').next().map(str::to_owned)),
                    _ => needles.extend([STANDARD.encode(&secret), secret]),
                }
            }
            needles.extend(channel.heard().iter().flat_map(credentials));
        }
        needles.push(plain_login());
        // Whoever cuts a text says part of it.
        let mut parts: Vec<String> = needles.iter().flat_map(|needle| parts(needle)).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    /// How many credentials were heard by those behind the channels.
    pub(crate) fn credentials_heard(&self) -> usize {
        self.channels.iter().flat_map(Channel::heard).flat_map(|heard| credentials(&heard)).count()
    }

    /// Each provider of a type, and each key of it that has a canary, as `channels.sms.twilio.auth_token`.
    pub(crate) fn places() -> Vec<String> {
        let of_channels = WAYS.iter().flat_map(|way| {
            let keys = (way.secrets)("https://127.0.0.1:1");
            keys.into_iter().map(|(key, _)| format!("channels.{}.{}.{key}", way.kind, way.provider))
        });
        of_channels.chain(ELSEWHERE.iter().map(|(place, _)| (*place).to_owned())).collect()
    }
}

impl Channel {
    fn heard(&self) -> Vec<Heard> {
        match &self.behind {
            Behind::Http(provider) => provider.heard(),
            Behind::Mail { .. } | Behind::Nobody => Vec::new(),
        }
    }
}

/// What a request holds that nobody else may know.
fn credentials(heard: &Heard) -> Vec<String> {
    let header = heard.header("authorization").split(' ').next_back().unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&heard.body).into_owned();
    let claim = text.split_once("assertion=").map(|(_, claim)| claim.to_owned());
    [Some(header), claim].into_iter().flatten().filter(|text| !text.is_empty()).collect()
}

/// A text, and its pieces if it is long.
fn parts(needle: &str) -> Vec<String> {
    const PIECE: usize = 24;
    if needle.len() < 2 * PIECE || !needle.is_ascii() {
        return vec![needle.to_owned()];
    }
    let pieces = needle.as_bytes().chunks_exact(PIECE);
    pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
}

/// What `AUTH PLAIN` says.
fn plain_login() -> String {
    STANDARD.encode("\0fog\0canary-smtp-password")
}

async fn behind(way: &Way, trouble: Trouble) -> (String, Behind) {
    if trouble == Trouble::Nobody {
        return (format!("https://127.0.0.1:{}", free_port().await), Behind::Nobody);
    }
    let certificate = if trouble == Trouble::Impostor { "stranger" } else { "server" };
    if way.provider == "smtp" {
        let sink = SmtpSink::start_with(Tls::Start, certificate, true).await;
        let echo = format!("535 5.7.8 AUTH PLAIN {} is canary-smtp-password", plain_login());
        match trouble {
            Trouble::Refused => sink.always(At::Auth, Act::Bytes(format!("{echo}\r\n").into_bytes())),
            Trouble::Faulty => sink.always(At::Rcpt, Act::Say("550 5.1.1 nobody here")),
            Trouble::Broken => sink.always(At::Mail, Act::Say("451 4.3.0 unwell")),
            Trouble::Taken | Trouble::Nobody | Trouble::Impostor => {}
        }
        return (format!("smtp://127.0.0.1:{}", sink.port), Behind::Mail { _sink: sink });
    }
    let grants = AtomicUsize::new(0);
    let provider = Provider::start_tls(certificate, move |heard| {
        if heard.path == "/token" && trouble != Trouble::Refused {
            let token = format!("{ACCESS}-{}", grants.fetch_add(1, Ordering::Relaxed));
            return Reply::json(200, &json!({ "access_token": token, "expires_in": 3_600 }).to_string());
        }
        repeating(trouble, heard)
    });
    let provider = provider.await;
    (provider.url(), Behind::Http(provider))
}

/// An answer that repeats everything it was told, wherever words may stand.
fn repeating(trouble: Trouble, heard: &Heard) -> Reply {
    let status = match trouble {
        Trouble::Taken => 200,
        Trouble::Refused => 401,
        Trouble::Faulty => 400,
        _ => 500,
    };
    let text = String::from_utf8_lossy(&heard.body).into_owned();
    let login = heard.header("authorization");
    let decoded = login.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
    let decoded = String::from_utf8_lossy(&decoded.unwrap_or_default()).into_owned();
    let (key, token) = (heard.header("x-api-key"), heard.header("x-postmark-server-token"));
    let said = format!("{decoded} {login} {key} {token} {} {text}", heard.path);
    let words = if heard.path == "/token" {
        json!({ "error": "invalid_grant", "error_description": said })
    } else {
        json!({
            "message": said, "reason": said, "name": said,
            "error": { "message": said, "status": said, "details": [{ "errorCode": said }] }
        })
    };
    Reply::json(status, &words.to_string())
        .with("apns-id", &said.replace(|c: char| !c.is_ascii_graphic(), " "))
}
