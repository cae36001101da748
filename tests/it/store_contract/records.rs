//! What the API owns of the configuration.

use foghorn::domain::record::{Document, Expected, RecordChange, Records, Section};
use serde_json::json;

use crate::support::said::after;
use crate::support::stores::Subject;

super::laws!(
    a_change_is_done_once_and_only_on_what_its_author_knew,
    the_number_of_a_change_never_comes_back,
    records_outlive_the_process,
);

fn change(based_on: u64, name: &str, email: Option<&str>) -> RecordChange {
    let document = |email| Document::from_iter([("email".to_owned(), json!(email))]);
    RecordChange {
        based_on,
        section: Section::Users,
        name: name.to_owned(),
        document: email.map(document),
        at: after(i64::try_from(based_on).unwrap()),
        by: "api".to_owned(),
    }
}

async fn done(subject: &Subject, changes: Vec<RecordChange>) -> Vec<bool> {
    let lease = subject.lease().await;
    subject.commit(&lease, |batch| batch.records = changes).await.records
}

async fn known(subject: &Subject) -> Records {
    let records = subject.store.records().await.unwrap();
    assert_eq!(subject.store.records_revision().await.unwrap(), records.revision);
    records
}

async fn a_change_is_done_once_and_only_on_what_its_author_knew(subject: Subject) {
    assert_eq!(known(&subject).await, Records::default());
    let first = change(0, "ada", Some("a@x"));
    let expected = Records::default().after(&first);
    // The same said again is done; another one that knew of nothing is not.
    let said =
        vec![first.clone(), first.clone(), change(0, "ada", Some("b@x")), change(0, "bob", Some("a@x"))];
    assert_eq!(done(&subject, said).await, [true, true, false, false]);
    assert_eq!(known(&subject).await, expected);
    assert_eq!(done(&subject, vec![first]).await, [true], "its commit was not heard of");
    let more = vec![change(1, "bob", Some("b@x")), change(2, "ada", None), change(1, "eve", Some("e@x"))];
    assert_eq!(done(&subject, more.clone()).await, [true, true, false]);
    assert_eq!(known(&subject).await, expected.after(&more[0]).after(&more[1]));
    assert_eq!(done(&subject, vec![change(9, "eve", Some("e@x"))]).await, [false], "nobody made change 9");
}

async fn the_number_of_a_change_never_comes_back(subject: Subject) {
    let changes = vec![change(0, "ada", Some("a@x")), change(1, "ada", None), change(2, "ada", Some("c@x"))];
    assert_eq!(done(&subject, changes).await, [true; 3]);
    let records = known(&subject).await;
    let ada = records.find(Section::Users, "ada").unwrap();
    assert_eq!((records.revision, records.all.len(), ada.version), (3, 1, 3));
    assert!(!Expected::Version(1).fits(Some(ada)));
    assert_eq!(done(&subject, vec![change(3, "ada", None)]).await, [true]);
    let gone = known(&subject).await;
    assert_eq!((gone.revision, gone.all.len()), (4, 0));
}

async fn records_outlive_the_process(mut subject: Subject) {
    let changes = vec![change(0, "ada", Some("ä \"quoted\" 🛟")), change(1, "bob", None)];
    let expected = Records::default().after(&changes[0]).after(&changes[1]);
    assert_eq!(done(&subject, changes).await, [true, true]);
    subject.reopen().await;
    assert_eq!(known(&subject).await, expected);
}
