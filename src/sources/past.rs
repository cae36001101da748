//! What came over a bus, looked at where it lies: for whoever wants to know what would have become of it.
//!
//! A [`Past`] promises:
//!
//! - **Nothing is taken.** No group is joined, no offset committed, no message acknowledged or put off, nothing is
//!   written; whoever reads the bus reads on from where it was. A bus that shows a message only to whoever takes it
//!   has no past.
//! - **It ends** where the bus ended when it was opened; what comes meanwhile is not of it.
//! - **A page is held at a time**, whatever lies there.
//!
//! Each kind of bus makes its own, one for each log that is in order by itself; [`SideBySide`] makes one of them.

use std::collections::VecDeque;
use std::fmt;

use async_trait::async_trait;

use super::{Record, SourceError};
use crate::domain::Timestamp;

/// Most records of a page, more or less.
pub(super) const PAGE: usize = 200;

/// A record that lies on a bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Lying {
    /// Since when; `None` if the bus does not say.
    pub since: Option<Timestamp>,
    /// What lies there.
    pub record: Record,
}

/// What lies on a bus, oldest first.
#[async_trait]
pub trait Past: Send {
    /// The next page, with a record at least; `None` at the end.
    ///
    /// # Errors
    /// The bus cannot be read on.
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError>;
}

/// Several pasts as one: whichever has the oldest record goes first.
#[derive(Debug)]
pub struct SideBySide {
    lanes: Vec<Lane>,
}

/// One of them, and what is at hand of it.
struct Lane {
    past: Box<dyn Past>,
    page: VecDeque<Lying>,
    is_over: bool,
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("at_hand", &self.page.len()).finish_non_exhaustive()
    }
}

impl SideBySide {
    /// Of all of these.
    pub fn of(pasts: Vec<Box<dyn Past>>) -> Self {
        let lane = |past| Lane { past, page: VecDeque::new(), is_over: false };
        Self { lanes: pasts.into_iter().map(lane).collect() }
    }

    /// The oldest of what comes next.
    async fn oldest(&mut self) -> Result<Option<Lying>, SourceError> {
        for lane in &mut self.lanes {
            lane.fill().await?;
        }
        let first = |lane: &&mut Lane| lane.page.front().map(|lying| lying.since);
        let lanes = self.lanes.iter_mut().filter(|lane| !lane.page.is_empty());
        Ok(lanes.min_by_key(first).and_then(|lane| lane.page.pop_front()))
    }
}

impl Lane {
    async fn fill(&mut self) -> Result<(), SourceError> {
        while self.page.is_empty() && !self.is_over {
            match self.past.next().await? {
                Some(page) => self.page.extend(page),
                None => self.is_over = true,
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Past for SideBySide {
    async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(oldest) = self.oldest().await?
        {
            page.push(oldest);
        }
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::event::Position;

    /// Pages of records that lie since these seconds.
    struct Scripted(VecDeque<Vec<i64>>);

    fn lying(second: i64) -> Lying {
        let position = Position::Message { stream: "s".into(), id: second.to_string().into() };
        let record = Record { position, payload: Some(Arc::from([])), left_out: 0, headers: Vec::new() };
        Lying { since: Timestamp::from_second(second).ok(), record }
    }

    #[async_trait]
    impl Past for Scripted {
        async fn next(&mut self) -> Result<Option<Vec<Lying>>, SourceError> {
            Ok(self.0.pop_front().map(|page| page.into_iter().map(lying).collect()))
        }
    }

    #[tokio::test]
    async fn logs_are_read_side_by_side_and_each_in_its_own_order() {
        let past = |pages: &[&[i64]]| -> Box<dyn Past> {
            Box::new(Scripted(pages.iter().map(|page| page.to_vec()).collect()))
        };
        // The clock of whoever wrote the second went back once.
        let mut past = SideBySide::of(vec![past(&[&[1, 4], &[6]]), past(&[&[2, 5, 3]]), past(&[])]);
        let page = past.next().await.unwrap().expect("a page");
        let seconds: Vec<i64> = page.iter().filter_map(|one| Some(one.since?.as_second())).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 3, 6]);
        assert_eq!(past.next().await.unwrap(), None);
    }
}
