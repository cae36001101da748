//! Dead letters are printed with everything, and records are taken in again from what was printed: once,
//! and not where their letter still is.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::process::{Draft, Home, said};
use crate::support::smtp_sink::{Act, At, SmtpSink};

/// Reaches nobody here; somewhere else it may.
const LOST: &str = r#"{"kind":"notification","to":"grace","via":"email","subject":"s","body":"ünï"}"#;

async fn submit(home: &Home, body: &str) {
    let request = home.http().post(home.url("/api/v1/events")).header("content-type", "application/json");
    request.body(body.to_owned()).send().await.unwrap();
}

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_has_everything_and_comes_back_once() {
    let smtp = SmtpSink::start().await;
    smtp.always(At::Rcpt, Act::Say("550 5.1.1 ada@example.com is no user"));
    let home = Home::of(Draft::mailing_to(smtp.port)).await;
    let _life = home.start().await;
    for n in 0..20 {
        submit(&home, &LOST.replace("ünï", &format!("ünï {n}"))).await;
    }
    submit(&home, r#"{"kind":"notification","to":"ada","via":"email","subject":"s","body":"b"}"#).await;
    home.until("it is dead", async || home.list("/api/v1/dead-letters?").await.len() == 1).await;

    let exported = home.run(&["dlq", "export"]).await;
    assert!(exported.exit == 0 && exported.errors.contains("21 dead letters exported"), "{exported:?}");
    let letters = lines(&exported.output);
    let delivery = letters.iter().find(|letter| letter["kind"] == "delivery").unwrap();
    assert_eq!(
        (&delivery["to"], &delivery["attempts"][0]["code"]),
        (&json!("a***@example.com"), &json!("550 5.1.1"))
    );
    assert_eq!(delivery["text"]["plain"]["body"], "b", "{delivery}");
    assert!(!exported.output.contains("ada@example.com"), "masked, in the words of the provider too");
    let clear = home.run(&["dlq", "export", "--kind", "delivery", "--addresses", "--json"]).await;
    assert_eq!(lines(&clear.output)[0]["to"], "ada@example.com", "{clear:?}");
    let records: Vec<&Value> = letters.iter().filter(|letter| letter["kind"] == "event").collect();
    assert_eq!(records.len(), 20, "over more than one page");
    let newest = STANDARD.decode(records[0]["raw"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(newest).unwrap(), LOST.replace("ünï", "ünï 19"));
    let few = home.run(&["dlq", "export", "--filter", "kind:event age>1h"]).await;
    assert_eq!((few.exit, few.output.as_str()), (0, ""), "{few:?}");

    let file = home.file("letters.jsonl");
    std::fs::write(&file, &exported.output).unwrap();
    let import = ["dlq", "import", file.to_str().unwrap()];
    let back = home.run(&import).await;
    assert_eq!(back.exit, 0, "{back:?}");
    assert!(back.errors.contains("0 records taken in, 20 still there"), "{back:?}");
    assert!(back.errors.contains("1 dead deliveries left out"), "{back:?}");

    let taking = SmtpSink::start().await;
    let mut elsewhere = Draft::mailing_to(taking.port);
    elsewhere.more = "[users.grace]\nemail = 'grace@example.com'\n".to_owned();
    let other = Home::of(elsewhere).await;
    let _other_life = other.start().await;
    for told in ["20 records taken in, 1 dead", "20 records taken in, 1 dead"] {
        let back = other.run(&import).await;
        assert!(back.exit == 0 && back.errors.contains(told), "{back:?}");
    }
    let direct = other.list("/api/v1/deliveries?").await;
    assert_eq!(direct.len(), 20, "however often it is imported");

    std::fs::write(
        &file,
        r#"{"kind":"event","id":"dle_00000000000000000000000000","source":"api","raw":"e30="}"#,
    )
    .unwrap();
    let url = other.url("");
    let back = said(&[&import[..], &["--url", &url]].concat(), Stdio::piped()).await;
    assert!(back.exit == 1 && back.errors.contains("1 no event still"), "{back:?}");
    std::fs::write(&file, "no line of ours\n").unwrap();
    let back = other.run(&import).await;
    assert!(back.exit != 0 && back.errors.contains("line 1"), "{back:?}");
}
