//! What holds for every type of channel there is and will be.

use foghorn::channels::{CHANNELS, Settings, channel_type};

use crate::support::jobs::{direct, surroundings};

const SECRET: &str = "s3cr3t-that-nobody-reads";

#[test]
fn every_type_is_found_by_its_name_and_has_an_outbox() {
    for kind in CHANNELS {
        assert_eq!(channel_type(kind.name()).map(|found| found.name()), Some(kind.name()));
        assert!(kind.providers().contains(&"outbox"), "{}", kind.name());
        assert!(kind.build("outbox", &Settings::new(), &surroundings()).is_ok());
        for provider in kind.providers() {
            assert!(!kind.keys(provider).is_empty(), "{} {provider}", kind.name());
        }
    }
}

#[test]
fn an_unknown_provider_is_refused_with_the_ones_there_are() {
    for kind in CHANNELS {
        let Err(problems) = kind.build("pigeon", &Settings::new(), &surroundings()) else {
            panic!("{} has a provider pigeon", kind.name());
        };
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].key.as_deref(), Some("provider"));
        for provider in kind.providers() {
            assert!(problems[0].message.contains(provider), "{}", problems[0].message);
        }
    }
}

/// Puts `value` under every key of every provider, also where it makes no sense.
#[test]
fn no_setting_is_ever_repeated_in_an_error() {
    for kind in CHANNELS {
        for provider in kind.providers() {
            for wrong in [
                toml::Value::from(SECRET),
                toml::Value::from(vec![SECRET]),
                toml::Value::Table([("x".to_owned(), toml::Value::from(SECRET))].into_iter().collect()),
            ] {
                let mut settings: Settings =
                    kind.keys(provider).iter().map(|key| ((*key).to_owned(), wrong.clone())).collect();
                settings.insert("no_such_key".to_owned(), wrong);
                let Err(problems) = kind.build(provider, &settings, &surroundings()) else {
                    panic!("{} {provider} takes anything", kind.name());
                };
                assert!(!format!("{problems:?}").contains(SECRET), "{problems:?}");
                assert!(problems.iter().any(|problem| problem.key.as_deref() == Some("no_such_key")));
            }
        }
    }
}

#[tokio::test]
async fn every_outbox_can_be_probed_and_closed() {
    for kind in CHANNELS {
        let channel = kind.build("outbox", &Settings::new(), &surroundings()).ok().unwrap();
        assert!(channel.probe().await.is_ok());
        channel.close().await;
        channel.send(&direct("somewhere", "s", "b")).await;
    }
}
