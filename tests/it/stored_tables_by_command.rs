//! Users, teams, policies, routes and silences from the command line.

use std::fs;

use crate::support::process::{Draft, Home, Said};
use crate::support::smtp_sink::SmtpSink;
use crate::support::tables::mailing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_is_added_shown_changed_and_taken_away() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let run = async |line: &str| -> Said { home.run(&line.split(' ').collect::<Vec<_>>()).await };
    let done = async |line: &str| {
        let said = run(line).await;
        assert_eq!(said.exit, 0, "{line}: {said:?}");
        said
    };

    let added = done("user add grace --email grace@example.com --role admin").await;
    assert_eq!(added.output, "grace\n", "{added:?}");
    done("team add core --member grace,ada").await;
    let listed = done("user list").await;
    let lines: Vec<Vec<&str>> = listed.output.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..4], ["ada", "–", "–", "ada@example.com"], "{listed:?}");
    assert!(lines[1][4].ends_with("config.toml:20"), "{listed:?}");
    assert_eq!(lines[2], ["grace", "–", "admin", "grace@example.com", "stored"], "{listed:?}");
    assert_eq!(done("team list --quiet").await.output, "core\n");

    fs::write(
        home.file("page.toml"),
        "[policies.page]\nsteps = [{ after = \"0s\", notify = [\"team:core\"], via = [\"email\"] }]\n",
    )
    .unwrap();
    fs::write(home.file("route.json"), r#"{"match": {"title": "load-*"}, "policy": "page"}"#).unwrap();
    let path = |name: &str| home.file(name).display().to_string();
    done(&format!("policy set page -f {}", path("page.toml"))).await;
    done(&format!("route set load -f {}", path("route.json"))).await;
    let shown = done("policy show page").await;
    assert!(shown.output.starts_with("page   routes: load\n"), "{shown:?}");
    let listed = done("route list").await;
    assert!(listed.output.lines().nth(1).unwrap().starts_with("1  load "), "{listed:?}");
    home.submit("load-1").await;
    assert_eq!(home.all_sent().await, 2);

    done("user edit grace --phone +15550111").await;
    let shown = done("user show grace").await;
    let expected =
        ["   email        grace@example.com", "   phone        +15550111", "   role         admin"];
    assert!(shown.output.starts_with("grace   stored, v5, "), "{shown:?}");
    assert_eq!(shown.output.lines().skip(1).collect::<Vec<_>>(), expected, "{shown:?}");

    for line in ["route remove load", "policy remove page", "team remove core", "user remove grace"] {
        done(line).await;
    }
    assert_eq!(done("team list --json").await.output, "");
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_as_everywhere_and_what_is_dubious_is_done_and_told() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let run = async |line: &str| -> Said { home.run(&line.split(' ').collect::<Vec<_>>()).await };
    for line in ["user add grace --email grace@example.com", "team add core --member grace,ada"] {
        assert_eq!(run(line).await.exit, 0, "{line}");
    }
    let wrong = run("team edit core --member grcae").await;
    assert_eq!(wrong.exit, 2, "{wrong:?}");
    for wanted in ["FH0754", "/members/0", "\"grcae\", who does not exist", "Did you mean \"grace\"?"] {
        assert!(wrong.errors.contains(wanted), "no {wanted} in {wrong:?}");
    }
    let owned = run("user edit ada --email eve@example.com").await;
    assert_eq!(owned.exit, 6, "{owned:?}");
    assert!(owned.errors.contains("FH0751") && owned.errors.contains("config.toml:20"), "{owned:?}");
    let needed = run("user remove grace").await;
    assert!(needed.exit == 2 && needed.errors.contains("store:teams/core:2:"), "{needed:?}");
    assert_eq!(run("user show nobody").await.exit, 3);

    assert_eq!(run("user add nobody --role viewer").await.exit, 0);
    let file = home.file("doubtful.json");
    fs::write(&file, mailing(&["user:nobody"]).to_string()).unwrap();
    let doubtful = run(&format!("policy set doubtful -f {}", file.display())).await;
    assert_eq!((doubtful.exit, doubtful.output.as_str()), (0, "doubtful\n"), "{doubtful:?}");
    assert!(
        doubtful.errors.contains("warning FH") && doubtful.errors.contains("does not reach"),
        "{doubtful:?}"
    );
    life.kill().await;
}

/// The section is there for the command; whether this version knows it is the configuration's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_says_what_it_is_about_and_ends_when_told_to() {
    let sink = SmtpSink::start().await;
    let home = Home::of(Draft::mailing_to(sink.port)).await;
    let life = home.start().await;
    let add =
        ["silence", "add", "s1", "--match", "service=web-*", "--for", "2h", "--comment", "moving house"];
    let said = home.run(&add).await;
    if said.errors.contains("unknown key \"silences\"") {
        assert_eq!(said.exit, 2, "{said:?}");
        return life.kill().await;
    }
    assert_eq!((said.exit, said.output.as_str()), (0, "s1\n"), "{said:?}");
    let until = async || home.get("/api/v1/silences/s1").await["document"]["until"].clone();
    let before = until().await;
    let listed = home.run(&["silence", "list"]).await;
    assert!(listed.output.contains("service=web-*") && listed.output.contains("moving house"), "{listed:?}");
    assert_eq!(home.run(&["silence", "end", "s1"]).await.exit, 0);
    assert!(until().await.as_str() < before.as_str());
    assert_eq!(home.run(&["silence", "remove", "s1"]).await.exit, 0);
    assert_eq!(home.run(&["silence", "list", "--quiet"]).await.output, "");
    life.kill().await;
}
