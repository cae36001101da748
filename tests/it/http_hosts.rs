//! A request is taken for the names this server goes by, and for no other.

use std::fs;

use reqwest::StatusCode;
use reqwest::header::HOST;

use crate::support::process::{Draft, Home};
use crate::support::smtp_sink::SmtpSink;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_the_configuration_are_known() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let config = home.file("config.toml");
    let with_names = fs::read_to_string(&config)
        .unwrap()
        .replace("[http]", "[http]\nhosts = [\"foghorn\", \"Fog.Internal.\"]");
    fs::write(&config, with_names).unwrap();
    let life = home.start().await;
    let asked = async |host: &str| {
        let request = home.http().get(home.url("/api/v1/incidents")).header(HOST, host);
        request.send().await.unwrap().status()
    };
    for host in ["foghorn", "FOGHORN:3644", "fog.internal", "localhost", "127.0.0.1", "[::1]:80"] {
        assert_eq!(asked(host).await, StatusCode::OK, "{host}");
    }
    for host in ["foghorn.evil", "internal", "evil.fog.internal", "foghorn@evil"] {
        assert_eq!(asked(host).await, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    life.kill().await;
}
