//! What providers send of their own accord: `POST /callbacks/{channel}`.
//!
//! The channel says whether the request is its provider's and what it means; nobody else is heard, and
//! whoever is not is told nothing. Receipts become rows. What people answer becomes events like any
//! other, so it is kept, in order and counted once; so does what they press.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::doors::Peer;
use super::problem::{Code, Problem};
use super::{Shared, ask, body, replies};
use crate::channels::Channel;
use crate::channels::callback::{Callback, Caller, News, NotHeard};
use crate::domain::Timestamp;
use crate::domain::delivery::{Address, Target};
use crate::domain::ids::SuppressionId;
use crate::domain::names::ChannelName;
use crate::domain::receipt::Receipt;
use crate::domain::suppression::{AddressChange, Mark, Suppression};

pub(super) async fn hear(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let name = ChannelName::from(name.as_str());
    let way = shared.api.in_use.borrow().channels.get(&name).cloned();
    let way = way.ok_or_else(|| Problem::new(Code::NotFound, "no channel of this name expects callbacks"))?;
    let headers = request.headers().clone();
    let caller = match request.extensions().get::<Peer>() {
        Some(Peer::Socket) => Caller::Owner,
        _ => Caller::Anybody,
    };
    // As the provider was told it: what a proxy made of it is not what was signed.
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", shared.api.public_url);
    let held = body::read_bytes(&shared, request).await?;
    let now = shared.api.clock.now();
    let callback = Callback { url: &url, headers: &headers, body: &held.bytes, caller, now };
    let news = way.channel.hear(&callback).map_err(|why| refused(&name, &why))?;
    let mut words = None;
    for one in news {
        match one {
            News::Receipt { .. } => keep(&shared, &name, one, now).await?,
            News::Said { from, text } => {
                let answer = replies::obey(&shared, &name, &from, &text).await?;
                words = answer.filter(|_| shared.answers.may_answer(&from));
            }
            News::Pressed { by, button, answer_at } => {
                let said = replies::press(&shared, &by, &button).await?;
                match answer_at {
                    Some(at) => whisper(Arc::clone(&way.channel), name.clone(), at, said),
                    None => words = Some(said),
                }
            }
        }
    }
    let answer = way.channel.answer(words.as_deref());
    Ok((StatusCode::OK, [(CONTENT_TYPE, answer.content_type)], answer.body).into_response())
}

/// Beside the answer, which a provider waits for a moment only.
fn whisper(channel: Arc<dyn Channel>, name: ChannelName, at: String, words: String) {
    tokio::spawn(async move {
        if let Err(failure) = channel.whisper(&at, &words).await {
            let (code, detail) = (failure.code, failure.detail);
            tracing::warn!(channel = %name, code, detail, "whoever pressed a button was not answered");
        }
    });
}

fn refused(channel: &ChannelName, why: &NotHeard) -> Problem {
    tracing::debug!(%channel, %why, "a callback is not heard");
    match why {
        NotHeard::NotExpected => Problem::new(Code::NotFound, "no channel of this name expects callbacks"),
        NotHeard::NotTheirs => Problem::new(Code::Unsigned, "this is not signed by the channel's provider"),
        NotHeard::NotUnderstood(why) => Problem::new(Code::InvalidBody, why.clone()),
    }
}

/// Keeps a receipt, and what it says about the address.
async fn keep(shared: &Shared, channel: &ChannelName, news: News, now: Timestamp) -> Result<(), Problem> {
    let News::Receipt { delivery, kind, fault, code, detail, about } = news else { return Ok(()) };
    let mark = fault.and_then(Mark::of);
    let target = match mark {
        Some(_) => shared.api.store.job(delivery).await?.map(|job| job.target),
        None => None,
    };
    // A channel's provider speaks of its own deliveries, and of whom they went to.
    let target = target.filter(|target| target.channel == *channel && concerns(&about, &target.address));
    let receipt = Receipt { delivery, kind, code, detail, at: now };
    let marked =
        mark.zip(target).map(|(mark, target)| AddressChange::Marked(against(target, mark, &receipt)));
    ask::learn(&shared.api, vec![receipt], marked.into_iter().collect()).await
}

fn concerns(about: &[Address], address: &Address) -> bool {
    about.is_empty() || about.iter().any(|one| one.expose().eq_ignore_ascii_case(address.expose()))
}

fn against(target: Target, mark: Mark, receipt: &Receipt) -> Suppression {
    Suppression {
        id: SuppressionId::new(receipt.at, fastrand::u128(..)),
        channel: target.channel,
        address: target.address,
        recipient: target.recipient,
        mark,
        strikes: 1,
        code: receipt.code.clone(),
        detail: receipt.detail.clone(),
        delivery: receipt.delivery,
        since: receipt.at,
        last_at: receipt.at,
    }
}
