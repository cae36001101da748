//! Tokens, who did what, and requests that may come again.

use foghorn::domain::Timestamp;
use foghorn::domain::audit::AuditEntry;
use foghorn::domain::idempotency::{Answer, Claim, Key, KeyChange, Known, Verdict, judge};
use foghorn::domain::ids::{AuditId, SessionId, TokenId};
use foghorn::domain::retention::Purge;
use foghorn::domain::session::{Grounds, Session, SessionChange};
use foghorn::domain::token::{Digest, Scope, Token, TokenChange, TokenOrigin};
use foghorn::store::Paging;
use foghorn::store::batch::AccessChange;

use crate::support::said::after;
use crate::support::stores::Subject;

super::laws!(
    a_token_is_ended_once_and_seen_forwards,
    tokens_outlive_the_process,
    the_first_token_is_kept_once_and_only_where_there_never_was_one,
    no_first_token_is_kept_where_somebody_could_get_in_before,
    a_session_is_found_by_its_digest_until_it_is_ended,
    the_newest_audit_comes_first_page_by_page,
    a_key_is_claimed_once_answered_once_and_repeated,
    a_key_that_failed_or_was_left_is_free_again,
    a_key_is_forgotten_after_its_day,
    what_is_over_is_purged_and_the_oldest_lines_go_first,
);

async fn change(subject: &Subject, changes: Vec<AccessChange>) {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.access = changes).await;
}

fn token(number: u8) -> Token {
    Token {
        id: TokenId::new(after(i64::from(number)), u128::from(number)),
        name: format!("t{number}"),
        digest: Digest::new([number; 32]),
        scopes: [Scope::Read, Scope::EventsWrite].into_iter().collect(),
        origin: TokenOrigin::Api,
        created_at: after(i64::from(number)),
        created_by: "socket".to_owned(),
        expires_at: (number == 2).then(|| after(100)),
        last_used_at: None,
        revoked_at: None,
    }
}

/// All that is known of tokens, digests too.
async fn known(subject: &Subject) -> Vec<(String, [u8; 32])> {
    let tokens = subject.store.tokens().await.unwrap();
    tokens.iter().map(|token| (format!("{token:?}"), *token.digest.bytes())).collect()
}

fn shown(tokens: &[Token]) -> Vec<(String, [u8; 32])> {
    tokens.iter().map(|token| (format!("{token:?}"), *token.digest.bytes())).collect()
}

async fn a_token_is_ended_once_and_seen_forwards(subject: Subject) {
    let (first, second) = (token(1), token(2));
    let made = [&first, &second, &first].map(|one| AccessChange::Token(TokenChange::Made(one.clone())));
    change(&subject, made.to_vec()).await;
    assert_eq!(known(&subject).await, shown(&[second.clone(), first.clone()]), "each once, the newest first");
    let changes = [
        TokenChange::Used(first.id, after(20)),
        TokenChange::Used(first.id, after(10)),
        TokenChange::Revoked(second.id, after(30)),
        TokenChange::Revoked(second.id, after(40)),
        TokenChange::Revoked(token(9).id, after(40)),
    ];
    change(&subject, changes.map(AccessChange::Token).to_vec()).await;
    let first = Token { last_used_at: Some(after(20)), ..first };
    let second = Token { revoked_at: Some(after(30)), ..second };
    assert_eq!(known(&subject).await, shown(&[second, first]));
}

async fn tokens_outlive_the_process(mut subject: Subject) {
    change(&subject, vec![AccessChange::Token(TokenChange::Made(token(2)))]).await;
    subject.reopen().await;
    assert_eq!(known(&subject).await, shown(&[token(2)]));
}

fn first(number: u8) -> Token {
    let id = TokenId::new(after(i64::from(number)), u128::from(number));
    Token::first(id, Digest::new([number; 32]), after(i64::from(number)))
}

async fn the_first_token_is_kept_once_and_only_where_there_never_was_one(mut subject: Subject) {
    // One that may do less is no such one.
    change(&subject, vec![AccessChange::Token(TokenChange::Made(token(1)))]).await;
    assert!(subject.store.first_token(&first(3)).await.unwrap());
    assert!(!subject.store.first_token(&first(4)).await.unwrap());
    assert_eq!(known(&subject).await, shown(&[first(3), token(1)]));
    change(&subject, vec![AccessChange::Token(TokenChange::Revoked(first(3).id, after(9)))]).await;
    subject.reopen().await;
    assert!(!subject.store.first_token(&first(5)).await.unwrap(), "whoever ended it wants no other");
    assert_eq!(known(&subject).await.len(), 2);
}

async fn no_first_token_is_kept_where_somebody_could_get_in_before(subject: Subject) {
    let made = Token { scopes: [Scope::Read, Scope::Admin].into_iter().collect(), ..token(1) };
    let ended = AccessChange::Token(TokenChange::Revoked(made.id, after(5)));
    change(&subject, vec![AccessChange::Token(TokenChange::Made(made)), ended]).await;
    assert!(!subject.store.first_token(&first(3)).await.unwrap(), "whoever ended it meant it");
    assert_eq!(known(&subject).await.len(), 1);
}

fn session(number: u8, grounds: Grounds) -> Session {
    Session {
        id: SessionId::new(after(i64::from(number)), u128::from(number)),
        digest: Digest::new([number; 32]),
        who: format!("s{number}"),
        grounds,
        scopes: [Scope::Read, Scope::Respond].into_iter().collect(),
        created_at: after(i64::from(number)),
        expires_at: after(100 + i64::from(number)),
    }
}

/// All that is known of the session with such a digest.
async fn found(subject: &Subject, number: u8) -> Option<String> {
    let found = subject.store.session(&Digest::new([number; 32])).await.unwrap();
    found.as_ref().map(told)
}

fn told(session: &Session) -> String {
    let of_grounds = match &session.grounds {
        Grounds::Configured(_, digest) => digest.hex(),
        _ => String::new(),
    };
    format!("{session:?} {} {of_grounds}", session.digest.hex())
}

fn began(session: &Session) -> AccessChange {
    AccessChange::Session(SessionChange::Began(session.clone()))
}

async fn a_session_is_found_by_its_digest_until_it_is_ended(mut subject: Subject) {
    let sessions = [
        session(1, Grounds::Token(token(1).id)),
        session(2, Grounds::Configured("boss".to_owned(), Digest::new([200; 32]))),
        session(3, Grounds::Provider("https://login.example.com".to_owned())),
    ];
    change(&subject, sessions.iter().map(began).chain([began(&sessions[0])]).collect()).await;
    subject.reopen().await;
    for (number, session) in (1..).zip(&sessions) {
        assert_eq!(found(&subject, number).await, Some(told(session)));
    }
    assert_eq!(found(&subject, 4).await, None);
    let ended = [sessions[1].id, sessions[1].id].map(|id| AccessChange::Session(SessionChange::Ended(id)));
    change(&subject, ended.to_vec()).await;
    assert_eq!((found(&subject, 1).await, found(&subject, 2).await), (Some(told(&sessions[0])), None));
}

fn entry(number: u16) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(after(i64::from(number)), u128::from(number)),
        at: after(i64::from(number)),
        who: "ci".to_owned(),
        from: "192.0.2.1".to_owned(),
        action: "POST /api/v1/jobs/{id}/continue".to_owned(),
        target: format!("/api/v1/jobs/{number}/continue"),
        status: 200 + number,
        request_id: "req_1".to_owned(),
    }
}

async fn the_newest_audit_comes_first_page_by_page(subject: Subject) {
    let entries = (1..=5).chain([3]).map(entry).map(AccessChange::Audit);
    change(&subject, entries.collect()).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = subject.store.audit(&Paging { before, limit: 2 }).await.unwrap();
        assert!(page.data.len() <= 2);
        seen.extend(page.data);
        before = page.next_cursor;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(entry));
    let none = Paging { before: Some("nonsense".to_owned()), limit: 2 };
    assert_eq!(subject.store.audit(&none).await.unwrap().data, []);
}

fn key(name: &str) -> Key {
    Key { caller: "tok_1".to_owned(), key: name.to_owned() }
}

fn claim(name: &str, by: &str, second: i64) -> AccessChange {
    AccessChange::Key(KeyChange::Claimed(Claim {
        key: key(name),
        by: by.to_owned(),
        fingerprint: "f".to_owned(),
        at: after(second),
        expires_at: after(second + 1_000),
        stale_before: after(second - 60),
    }))
}

fn answer() -> Answer {
    let body = vec![0, 159, 146, 150];
    Answer { status: 202, content_type: "application/json".to_owned(), location: String::new(), body }
}

fn answered(name: &str, by: &str) -> AccessChange {
    AccessChange::Key(KeyChange::Answered { key: key(name), by: by.to_owned(), answer: answer() })
}

async fn verdict(subject: &Subject, name: &str, by: &str) -> Verdict {
    judge(subject.store.idempotency(&key(name)).await.unwrap(), by, "f")
}

async fn a_key_is_claimed_once_answered_once_and_repeated(mut subject: Subject) {
    assert_eq!(subject.store.idempotency(&key("k")).await.unwrap(), None);
    change(&subject, vec![claim("k", "one", 1), claim("k", "two", 1), claim("k", "one", 1)]).await;
    assert_eq!(verdict(&subject, "k", "one").await, Verdict::Do);
    assert_eq!(verdict(&subject, "k", "two").await, Verdict::Wait);
    change(&subject, vec![answered("k", "two")]).await;
    assert_eq!(verdict(&subject, "k", "two").await, Verdict::Wait, "whoever did not claim it says nothing");
    change(&subject, vec![answered("k", "one")]).await;
    subject.reopen().await;
    // Long after a claim would be stale, and said again by another.
    change(&subject, vec![claim("k", "three", 500)]).await;
    assert_eq!(verdict(&subject, "k", "three").await, Verdict::Repeat(answer()));
    let expected = Known { by: "one".to_owned(), fingerprint: "f".to_owned(), answer: Some(answer()) };
    assert_eq!(subject.store.idempotency(&key("k")).await.unwrap(), Some(expected));
    // Another caller's key of the same name is another key.
    let other = Key { caller: "tok_2".to_owned(), ..key("k") };
    assert_eq!(subject.store.idempotency(&other).await.unwrap(), None);
}

async fn a_key_that_failed_or_was_left_is_free_again(subject: Subject) {
    let released = AccessChange::Key(KeyChange::Released { key: key("failed"), by: "one".to_owned() });
    let foreign = AccessChange::Key(KeyChange::Released { key: key("left"), by: "two".to_owned() });
    change(&subject, vec![claim("failed", "one", 1), released, claim("left", "one", 1), foreign]).await;
    change(&subject, vec![claim("failed", "two", 2), claim("left", "two", 2)]).await;
    assert_eq!(verdict(&subject, "failed", "two").await, Verdict::Do);
    assert_eq!(verdict(&subject, "left", "two").await, Verdict::Wait, "it may still be at work");
    change(&subject, vec![claim("left", "three", 70)]).await;
    assert_eq!(verdict(&subject, "left", "three").await, Verdict::Do);
    change(&subject, vec![answered("left", "one")]).await;
    assert_eq!(verdict(&subject, "left", "three").await, Verdict::Do, "whoever was given up comes too late");
}

async fn a_key_is_forgotten_after_its_day(subject: Subject) {
    change(&subject, vec![claim("k", "one", 1), answered("k", "one")]).await;
    change(&subject, vec![claim("other", "one", 1_000)]).await;
    assert_eq!(verdict(&subject, "k", "two").await, Verdict::Repeat(answer()));
    change(&subject, vec![claim("other", "one", 1_001)]).await;
    assert_eq!(subject.store.idempotency(&key("k")).await.unwrap(), None);
}

async fn purge(subject: &Subject, second: i64, audit_before: Option<Timestamp>, most: usize) {
    let purge = Purge { now: after(second), audit_before, most };
    change(subject, vec![AccessChange::Purge(purge)]).await;
}

async fn what_is_over_is_purged_and_the_oldest_lines_go_first(subject: Subject) {
    let sessions = [1, 2, 3].map(|number| session(number, Grounds::Token(token(1).id)));
    let mut changes: Vec<_> = sessions.iter().map(began).collect();
    changes.extend([claim("early", "one", 1), answered("early", "one"), claim("late", "one", 900)]);
    changes.extend((1..=5).map(entry).map(AccessChange::Audit));
    changes.push(AccessChange::Token(TokenChange::Made(token(2))));
    change(&subject, changes).await;
    let lines = async || {
        let page = subject.store.audit(&Paging { before: None, limit: 9 }).await.unwrap();
        page.data.into_iter().map(|entry| entry.status - 200).collect::<Vec<u16>>()
    };
    let key = async |name: &str| subject.store.idempotency(&key(name)).await.unwrap().is_some();

    purge(&subject, 102, None, 100).await;
    let left = [found(&subject, 1).await, found(&subject, 2).await, found(&subject, 3).await];
    assert_eq!(left, [None, None, Some(told(&sessions[2]))], "whose time is over");
    assert_eq!((key("early").await, key("late").await), (true, true), "their time is not over");
    assert_eq!(lines().await, [5, 4, 3, 2, 1], "these are kept for ever");
    purge(&subject, 1_001, Some(after(4)), 2).await;
    assert_eq!((key("early").await, key("late").await), (false, true));
    assert_eq!(lines().await, [5, 4, 3], "two at a time, the oldest first");
    purge(&subject, 1_001, Some(after(4)), 2).await;
    purge(&subject, 1_001, Some(after(4)), 2).await;
    assert_eq!(lines().await, [5, 4], "what is as old as that stays");
    assert_eq!(known(&subject).await, shown(&[token(2)]), "who may do what is no history");
}
