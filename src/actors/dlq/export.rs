//! Letters that belong into a box, too: the next few of each source that has one.

use futures::future::join_all;

use crate::messages::dlq::Exported;
use crate::sources::LetterBoxes;
use crate::store::Store;

/// How many of a source at once: each may have megabytes.
const AT_ONCE: usize = 8;

/// Puts the oldest ones in. One that does not get in is tried again later, and holds no other.
pub(super) async fn export(store: &dyn Store, boxes: &LetterBoxes) -> Exported {
    let mut exported = Exported::default();
    for (source, letter_box) in boxes {
        // A store that does not answer is the status actor's business.
        let Ok(letters) = store.unexported(source, AT_ONCE).await else { continue };
        let put = join_all(letters.iter().map(|letter| letter_box.put(letter))).await;
        for (letter, put) in letters.iter().zip(put) {
            match put {
                Ok(()) => exported.ids.push(letter.id),
                Err(why) => exported.trouble = Some(format!("source {source}: {why}")),
            }
        }
    }
    exported
}
