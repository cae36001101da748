//! Between the one who asks for records and the task that talks to the broker: what came, what is to be
//! told, and what the broker is to be answered. One lock, never held over a wait.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::deliveries::{Answered, Deliveries};
use crate::sources::{MOST_RECORDS, Polled, Record, SourceError};

/// Most payload bytes of one poll, give or take the last message.
const BYTES: usize = 4 << 20;

#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// There is something to be told.
    news: Notify,
    /// There is something to be done.
    wishes: Notify,
}

#[derive(Debug, Default)]
struct State {
    told: VecDeque<Polled>,
    records: VecDeque<Record>,
    deliveries: Deliveries,
    answers: Vec<Answer>,
    wish: Wish,
    standing: Standing,
    lag: Lag,
    over: Option<SourceError>,
}

/// What the broker is to be told of messages of the channel that is open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// They are stored.
    Stored(Answered),
    /// They are dead letters, for which the broker has a place.
    Dead(Vec<u64>),
}

/// What the task is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wish {
    #[default]
    Read,
    Pause,
    Leave,
}

/// How many messages wait, and whether it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Lag {
    #[default]
    Unknown,
    New(u64),
    Told(u64),
}

/// What was told last of the broker.
#[derive(Debug, PartialEq, Eq, Default)]
enum Standing {
    #[default]
    Unknown,
    Up,
    Down(String),
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.news.notify_one();
    }

    // Who asks.

    /// The next news, when there is some.
    pub(super) async fn next(&self) -> Result<Polled, SourceError> {
        loop {
            if let Some(news) = self.state().next() {
                return news;
            }
            self.news.notified().await;
        }
    }

    pub(super) fn wish(&self, wish: Wish) {
        self.state().wish = wish;
        // What waits may be told again.
        self.news.notify_one();
        self.wishes.notify_one();
    }

    pub(super) fn stored(&self, ids: &[Arc<str>]) {
        let mut state = self.state();
        let answered = state.deliveries.answer(ids);
        if answered != Answered::default() {
            state.answers.push(Answer::Stored(answered));
            self.wishes.notify_one();
        }
    }

    pub(super) fn dead(&self, ids: &[Arc<str>]) {
        let mut state = self.state();
        let tags = state.deliveries.close(ids);
        if !tags.is_empty() {
            state.answers.push(Answer::Dead(tags));
            self.wishes.notify_one();
        }
    }

    // Who talks to the broker.

    /// What is wanted, and what is to be answered first.
    pub(super) fn wanted(&self) -> (Wish, Vec<Answer>) {
        let mut state = self.state();
        (state.wish, mem::take(&mut state.answers))
    }

    /// Waits until something else may be wanted.
    pub(super) async fn changed(&self) {
        self.wishes.notified().await;
    }

    /// Waits until it is to leave.
    pub(super) async fn leaving(&self) {
        while self.state().wish != Wish::Leave {
            self.changed().await;
        }
    }

    /// These came, each with the tag that it is answered by.
    pub(super) fn came(&self, messages: Vec<(Record, Arc<str>, u64)>) {
        self.tell(|state| {
            for (record, id, tag) in messages {
                state.deliveries.take(&id, tag);
                state.records.push_back(record);
            }
        });
    }

    /// So many are in the queue behind those that came, which wait too until they are answered.
    pub(super) fn waiting(&self, in_queue: u64) {
        self.tell(|state| {
            let lag = in_queue + state.deliveries.open();
            if state.lag != Lag::Told(lag) {
                state.lag = Lag::New(lag);
            }
        });
    }

    pub(super) fn up(&self) {
        self.tell(|state| {
            if mem::replace(&mut state.standing, Standing::Up) != Standing::Up {
                state.told.push_back(Polled::Up);
            }
        });
    }

    /// The channel is gone, and all that came on it comes again.
    pub(super) fn down(&self, why: String) {
        self.tell(|state| {
            state.forget();
            if state.standing != Standing::Down(why.clone()) {
                state.standing = Standing::Down(why.clone());
                state.told.push_back(Polled::Down(why));
            }
        });
    }

    /// It does not go on by itself.
    pub(super) fn over(&self, why: SourceError) {
        self.tell(|state| {
            state.forget();
            state.over = Some(why);
        });
    }
}

impl State {
    fn forget(&mut self) {
        self.deliveries.forget();
        self.answers.clear();
        self.records.clear();
        self.lag = Lag::Unknown;
    }

    fn next(&mut self) -> Option<Result<Polled, SourceError>> {
        if let Some(told) = self.told.pop_front() {
            return Some(Ok(told));
        }
        if self.wish == Wish::Read && !self.records.is_empty() {
            return Some(Ok(Polled::Records(self.batch())));
        }
        // After what came: whoever hears that so many wait has what could be had.
        if let Lag::New(lag) = self.lag {
            self.lag = Lag::Told(lag);
            return Some(Ok(Polled::Lag(lag)));
        }
        self.over.clone().map(Err)
    }

    fn batch(&mut self) -> Vec<Record> {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let before = bytes;
            bytes += record.payload.as_ref().map_or(0, |payload| payload.len());
            before < BYTES
        };
        let count = self.records.iter().take(MOST_RECORDS).take_while(fits).count();
        self.records.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Position;

    fn message(id: &str, tag: u64) -> (Record, Arc<str>, u64) {
        let position = Position::Message { stream: "q".into(), id: id.into() };
        let payload = Some(Arc::from(vec![0; 3 << 20]));
        (Record { position, payload, left_out: 0, headers: Vec::new() }, id.into(), tag)
    }

    async fn count(desk: &Desk) -> usize {
        match desk.next().await {
            Ok(Polled::Records(records)) => records.len(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_comes_is_given_in_portions_and_not_while_it_is_paused() {
        let desk = Desk::default();
        desk.came(vec![message("a", 1), message("b", 2), message("c", 3)]);
        assert_eq!(count(&desk).await, 2, "no more than 4 MiB and one");
        desk.wish(Wish::Pause);
        assert!(futures::FutureExt::now_or_never(desk.next()).is_none());
        desk.wish(Wish::Read);
        assert_eq!(count(&desk).await, 1);
    }

    #[tokio::test]
    async fn an_answer_never_goes_to_another_channel() {
        let desk = Desk::default();
        desk.came(vec![message("a", 1), message("b", 2)]);
        desk.stored(&["a".into()]);
        desk.down("gone".to_owned());
        assert_eq!(desk.next().await.expect("told"), Polled::Down("gone".to_owned()));
        assert_eq!(desk.wanted().1, [], "what was to be said of the old channel is not said on the new one");
        desk.came(vec![message("b", 1)]);
        desk.stored(&["a".into(), "b".into()]);
        assert_eq!(desk.wanted().1, [Answer::Stored(Answered { up_to: Some(1), single: Vec::new() })]);
    }

    #[tokio::test]
    async fn an_outage_is_told_once_and_its_end_too() {
        let desk = Desk::default();
        for _ in 0..3 {
            desk.down("refused".to_owned());
        }
        desk.up();
        desk.up();
        desk.waiting(0);
        desk.waiting(0);
        let told = [Polled::Down("refused".to_owned()), Polled::Up, Polled::Lag(0)];
        for expected in told {
            assert_eq!(desk.next().await.expect("told"), expected);
        }
        desk.over(SourceError::Refused("no".to_owned()));
        assert!(desk.next().await.is_err());
    }
}
