//! A provider behind HTTP: HTTP/1.1 and HTTP/2, in the clear or under TLS. It answers as its test
//! says and keeps a ledger of what it heard.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::tls;

/// What a provider does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This status, these headers, this body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// Ends the connection instead of answering.
    HangUp,
    /// This status, and a body that never ends.
    Endless(u16),
}

impl Reply {
    /// A status and a JSON body.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Answer(status, vec![("content-type", "application/json".to_owned())], body.as_bytes().to_vec())
    }

    /// A status alone.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }

    /// With one more header.
    pub(crate) fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) version: Version,
}

impl Heard {
    /// A header's value; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

type Script = dyn Fn(&Heard) -> Reply + Send + Sync;

/// A running provider; gone when dropped.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    ledger: Arc<watch::Sender<Vec<Heard>>>,
    connections: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    /// Answers each request as `script` says.
    pub(crate) async fn start(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, Arc::new(script)).await
    }

    /// Under TLS, with the certificate of this name; speaks HTTP/2 to whoever can.
    pub(crate) async fn start_tls(
        certificate: &'static str,
        script: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(certificate), Arc::new(script)).await
    }

    /// Always the same answer.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    async fn listen(certificate: Option<&'static str>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (ledger, connections) = (Arc::new(watch::Sender::default()), Arc::new(AtomicUsize::new(0)));
        let acceptor = certificate.map(|name| tls::speaking(name, &[b"h2", b"http/1.1"]));
        let (heard, counted) = (Arc::clone(&ledger), Arc::clone(&connections));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (script, heard, acceptor) = (Arc::clone(&script), Arc::clone(&heard), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept::<TcpStream>(stream).await {
                                serve(stream, script, heard).await;
                            }
                        }
                        None => serve(stream, script, heard).await,
                    }
                });
            }
        });
        let scheme = if certificate.is_some() { "https" } else { "http" };
        Self { address, scheme, ledger, connections, server }
    }

    /// Where it is, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Everything heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.ledger.borrow().clone()
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The same, once there are `count`.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Heard> {
        let mut ledger = self.ledger.subscribe();
        let enough = ledger.wait_for(|heard| heard.len() >= count);
        let heard = tokio::time::timeout(Duration::from_secs(30), enough).await.expect("requests in time");
        heard.expect("a ledger").clone()
    }
}

async fn serve<S>(stream: S, script: Arc<Script>, ledger: Arc<watch::Sender<Vec<Heard>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (script, ledger) = (Arc::clone(&script), Arc::clone(&ledger));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
            let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let heard = Heard {
                method: parts.method.to_string(),
                path,
                headers: parts.headers,
                body,
                version: parts.version,
            };
            let reply = script(&heard);
            ledger.send_modify(|all| all.push(heard));
            respond(reply).await
        }
    });
    // The client hanging up is no business of a provider's.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(reply: Reply) -> Result<Response<BoxBody<Bytes, Infallible>>, io::Error> {
    let (status, headers, body) = match reply {
        Reply::Answer(status, headers, body) => (status, headers, Full::new(Bytes::from(body)).boxed()),
        Reply::Endless(status) => {
            let chunk = Bytes::from(vec![b'x'; 16 << 10]);
            let chunks = stream::repeat_with(move || Ok(Frame::data(chunk.clone())));
            (status, Vec::new(), BodyExt::boxed(StreamBody::new(chunks)))
        }
        Reply::Silence => std::future::pending().await,
        Reply::HangUp => return Err(io::Error::other("told to hang up")),
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(io::Error::other)
}
