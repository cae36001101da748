//! A real process with something of everything to lose, and what it keeps, as text.

use std::net::SocketAddr;

use foghorn::domain::token::Scope;
use foghorn::http::openapi::document;
use foghorn::http::routes::{Rule, Verb, rules};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::time::{Instant, timeout};

use super::BOUND;
use super::cells::{Ask, Cell, Place};
use crate::support::database::Database;
use crate::support::http::{Answer, Client};
use crate::support::process::{Draft, Home, Life};
use crate::support::smtp_sink::SmtpSink;

const MORE: &str = r#"
[auth]
mode = "token"
[channels.sms]
type = "sms"
provider = "outbox"
[teams.payments]
members = ["ada"]
[teams.payments.rotation]
every = "7d"
starts = "2026-01-05T09:00:00"
[policies.default]
steps = [{ notify = ["user:ada"], via = ["email"] }]
"#;

/// What is kept but is not what a request asked for: who asked, and since when this process is.
const BESIDE: [&str; 3] = ["audit", "node", "_sqlx_migrations"];

/// The token with this scope.
pub(super) fn secret(scope: &str) -> String {
    format!("fh_{}_{}", scope.replace(':', "_"), "0123456789abcdef".repeat(2))
}

pub(super) struct Ground {
    pub(super) home: Home,
    life: Life,
    document: Value,
    database: Option<Database>,
    _sink: SmtpSink,
}

impl Ground {
    pub(super) async fn on_sqlite() -> Self {
        Self::made(None).await
    }

    pub(super) async fn on_postgres(database: Database) -> Self {
        Self::made(Some(database)).await
    }

    async fn made(database: Option<Database>) -> Self {
        let sink = SmtpSink::start().await;
        let tokens = Scope::ALL.map(|scope| {
            let name = scope.as_str().replace(':', "-");
            format!("[tokens.{name}]\nsecret = \"{}\"\nscopes = [\"{scope}\"]\n", secret(scope.as_str()))
        });
        let store = database.as_ref().map(|database| database.url.clone());
        let more = format!("{MORE}{}", tokens.concat());
        let home = Home::of(Draft { store, more, ..Draft::mailing_to(sink.port) }).await;
        home.edit("[server]\n", "[server]\npublic_url = \"https://fog.example\"\n");
        let life = home.start().await;
        let ground = Self { home, life, document: document(), database, _sink: sink };
        ground.fill().await;
        ground
    }

    /// Something of everything that can be made by a request.
    async fn fill(&self) {
        for rule in rules().into_iter().filter(|rule| rule.method == Verb::Post) {
            let place = self.place(&rule);
            let example = place.body().map(|(_, example)| example);
            if example.is_some_and(|example| example.get("document").is_some()) {
                self.done(&place.ask(), 201).await;
            }
        }
        for number in 1..=3 {
            self.done(&self.event(&format!("wrong-{number}")), 202).await;
        }
        self.home
            .until("everybody was told", async || {
                let waiting = self.asked("/api/v1/deliveries?state=pending,sending,retrying").await;
                waiting["data"].as_array().is_some_and(Vec::is_empty)
            })
            .await;
    }

    fn event(&self, key: &str) -> Ask {
        let rules = rules();
        let intake = rules.iter().find(|rule| rule.path == "/api/v1/events" && rule.method == Verb::Post);
        let event = json!({ "title": key, "dedup_key": key, "severity": "high" });
        Ask { body: event.to_string().into_bytes(), ..self.place(intake.unwrap()).ask() }
    }

    async fn asked(&self, path: &str) -> Value {
        let rules = rules();
        let place = self.place(&rules[0]);
        let ask = Ask { method: "GET".to_owned(), target: path.to_owned(), ..place.ask() };
        serde_json::from_str(&self.done(&ask, 200).await.body).unwrap()
    }

    async fn done(&self, ask: &Ask, status: u16) -> Answer {
        let answer = self.answer(&ask.bytes()).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {} {}", ask.method, ask.target));
        assert_eq!(answer.status, status, "{} {}: {answer:?}", ask.method, ask.target);
        answer
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.home.url("").trim_start_matches("http://").parse().unwrap()
    }

    async fn answer(&self, says: &[u8]) -> Option<Answer> {
        let mut client = Client::to(self.address()).await;
        client.say(says).await;
        client.hear().await
    }

    pub(super) fn place(&self, rule: &Rule) -> Place<'_> {
        let operation = &self.document["paths"][rule.path][rule.method.as_str().to_ascii_lowercase()];
        let mut place = Place { rule: *rule, document: &self.document, operation, path: String::new() };
        let mut parts = Vec::new();
        for part in rule.path.split('/') {
            let part = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => self.one(&place, name, parts.last().copied()),
                None => part,
            };
            parts.push(part);
        }
        place.path = parts.join("/");
        place
    }

    /// What may stand for a part of the path: something that is there, if anything is.
    fn one(&self, place: &Place<'_>, name: &str, list: Option<&'static str>) -> &'static str {
        let schema = place.parameters("path").find(|parameter| parameter["name"] == name);
        let words = schema.and_then(|parameter| parameter["schema"]["enum"][0].as_str());
        match (words, list) {
            (Some("pause"), _) => "pause",
            (_, Some("channels" | "callbacks")) => "email",
            (_, Some("sources")) => "api",
            (_, Some("users")) => "grace",
            (_, Some("teams" | "policies" | "routes")) => "search",
            (_, Some("silences")) => "search-upgrade",
            (_, Some("templates")) => "invoice",
            _ => "1",
        }
    }

    /// Says it, and what is wrong with the answer.
    pub(super) async fn refusal(&self, place: &Place<'_>, cell: &Cell) -> Result<(), String> {
        let begun = Instant::now();
        let answer = timeout(BOUND, self.answer(&cell.says)).await;
        let answer =
            answer.map_err(|_| format!("{place}, {}: no answer in {:?}", cell.name, begun.elapsed()))?;
        cell.judge(place, answer.as_ref())
    }

    pub(super) async fn assert_alive(&self, after: &Place<'_>) {
        let answer = self.answer(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(answer.map(|answer| answer.status), Some(200), "after {after}");
    }

    /// A good event is taken, and opens the next incident: no number was spent on anything else.
    pub(super) async fn assert_well(&self) {
        let answer = self.done(&self.event("good"), 202).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["events"][0]["incident_number"], 4, "{answer}");
    }

    pub(super) async fn end(self) {
        self.life.terminate().await;
        self.life.exit().await;
    }

    /// All that is kept, line by line.
    pub(super) async fn kept(&self) -> String {
        match &self.database {
            Some(database) => of_postgres(&database.url).await,
            None => of_sqlite(&self.home.file("foghorn.db").display().to_string()).await,
        }
    }
}

async fn of_sqlite(path: &str) -> String {
    let mut file = SqliteConnection::connect(&format!("sqlite://{path}")).await.unwrap();
    let names =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut file).await.unwrap();
    let mut all = Vec::new();
    for name in names.into_iter().filter(|name| !BESIDE.contains(&name.as_str())) {
        let columns: Vec<String> = sqlx::query_scalar("SELECT quote(name) FROM pragma_table_info(?)")
            .bind(&name)
            .fetch_all(&mut file)
            .await
            .unwrap();
        let columns: Vec<String> =
            columns.iter().map(|column| format!("quote(\"{}\")", column.trim_matches('\''))).collect();
        let rows = format!("SELECT {} FROM \"{name}\" ORDER BY 1", columns.join(" || ',' || "));
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut file).await.unwrap();
        all.extend(rows.into_iter().map(|row| format!("{name} {row}")));
    }
    file.close().await.unwrap();
    all.join("\n")
}

async fn of_postgres(url: &str) -> String {
    let mut server = PgConnection::connect(url).await.unwrap();
    let names =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut server).await.unwrap();
    let mut all = Vec::new();
    for name in names.into_iter().filter(|name| !BESIDE.contains(&name.as_str())) {
        let rows = format!("SELECT one::text FROM \"{name}\" one ORDER BY 1");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut server).await.unwrap();
        all.extend(rows.into_iter().map(|row| format!("{name} {row}")));
    }
    server.close().await.unwrap();
    all.join("\n")
}

/// The lines of one that the other does not have.
pub(super) fn difference(before: &str, after: &str) -> String {
    let missing = |of: &str, from: &str, sign: &str| {
        let lines: Vec<&str> = from.lines().collect();
        let gone = of.lines().filter(|line| !lines.contains(line));
        gone.map(|line| format!("{sign} {}", line.chars().take(300).collect::<String>())).collect::<Vec<_>>()
    };
    [missing(before, after, "-"), missing(after, before, "+")].concat().join("\n")
}
