//! One conversation with the sink.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Act, At, Received, Shared, Tls};

/// Why a conversation is over.
enum Over {
    Closed,
    Reset,
    StartTls,
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

pub(super) async fn serve(stream: TcpStream, tls: Tls, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let connection = {
        let mut connections = shared.connections.lock().unwrap();
        *connections += 1;
        *connections
    };
    // Two writes of an answer must not wait for each other.
    stream.set_nodelay(true).unwrap();
    if tls == Tls::Implicit {
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        talk(stream, connection, &shared, false, true).await;
        return;
    }
    if let Some(stream) = talk(stream, connection, &shared, tls == Tls::Start, true).await
        && let Ok(stream) = acceptor.accept(stream).await
    {
        talk(stream, connection, &shared, false, false).await;
    }
}

/// One conversation; gives the stream back if it is to go on under TLS.
async fn talk<S: Stream>(
    stream: S,
    connection: usize,
    shared: &Shared,
    starttls: bool,
    greets: bool,
) -> Option<S> {
    let mut session = Session {
        stream: BufReader::new(stream),
        connection,
        shared,
        starttls,
        from: String::new(),
        to: Vec::new(),
    };
    match session.run(greets).await {
        Over::Closed => None,
        Over::StartTls => Some(session.stream.into_inner()),
        Over::Reset => {
            session.stream.get_ref().reset_on_drop();
            None
        }
    }
}

struct Session<'a, S> {
    stream: BufReader<S>,
    connection: usize,
    shared: &'a Shared,
    starttls: bool,
    from: String,
    to: Vec<String>,
}

impl<S: Stream> Session<'_, S> {
    async fn run(&mut self, greets: bool) -> Over {
        match self.converse(greets).await {
            Ok(()) => Over::Closed,
            Err(over) => over,
        }
    }

    async fn converse(&mut self, greets: bool) -> Result<(), Over> {
        if greets {
            self.act(At::Greeting, "220 sink.example ESMTP").await?;
        }
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            self.shared.commands.lock().unwrap().push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let tls = if self.starttls { "250-STARTTLS\r\n" } else { "" };
                    let auth = if self.shared.offers_auth { "250-AUTH PLAIN LOGIN\r\n" } else { "" };
                    let pipelines = self.shared.offers_pipelining.load(Ordering::Relaxed);
                    let pipelining = if pipelines { "250-PIPELINING\r\n" } else { "" };
                    let offers = format!("250-sink.example\r\n{tls}{auth}{pipelining}250 8BITMIME");
                    self.act(At::Ehlo, &offers).await?;
                }
                "STARTTLS" => {
                    self.act(At::StartTls, "220 go ahead").await?;
                    return Err(Over::StartTls);
                }
                "AUTH" => drop(self.act(At::Auth, "235 2.7.0 welcome").await?),
                "MAIL" if self.from.is_empty() => {
                    if self.act(At::Mail, "250 2.1.0 ok").await? {
                        self.from = line;
                    }
                }
                "MAIL" => self.say("503 5.5.1 nested MAIL").await?,
                "RCPT" if self.from.is_empty() => self.say("503 5.5.1 no MAIL before").await?,
                "RCPT" => {
                    if self.act(At::Rcpt, "250 2.1.5 ok").await? {
                        self.to.push(line);
                    }
                }
                "DATA" if self.to.is_empty() => self.no_data().await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.from.clear();
                    self.to.clear();
                    self.say("250 2.0.0 ok").await?;
                }
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    return Ok(());
                }
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    /// `DATA` for nobody: refused, as servers do, unless the script wants it taken.
    async fn no_data(&mut self) -> Result<(), Over> {
        let act = self.next(At::DataForNobody);
        self.perform(act, "554 5.5.1 no valid recipients").await?;
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Over> {
        if !self.act(At::Data, "354 go ahead").await? {
            return Ok(());
        }
        let limit = match self.next(At::Body) {
            Some(Act::ResetAfter(bytes)) => bytes,
            _ => usize::MAX,
        };
        let mut raw = Vec::new();
        loop {
            if limit < usize::MAX {
                let mut part = vec![0; limit];
                self.stream.read_exact(&mut part).await?;
                return Err(Over::Reset);
            }
            let start = raw.len();
            if self.stream.read_until(b'\n', &mut raw).await? == 0 {
                return Ok(());
            }
            match &raw[start..] {
                b".\r\n" => {
                    raw.truncate(start);
                    break;
                }
                [b'.', ..] => drop(raw.remove(start)),
                _ => {}
            }
        }
        let received = Received {
            from: std::mem::take(&mut self.from),
            to: std::mem::take(&mut self.to),
            raw,
            connection: self.connection,
        };
        let act = self.next(At::Dot);
        // Refused mail did not come in. A server that goes away without a word may have it.
        let refuses = matches!(&act, Some(Act::Say(text)) if !text.starts_with('2'));
        if !refuses {
            self.shared.messages.lock().unwrap().push(received);
            self.shared.received.send_modify(|received| *received += 1);
        }
        self.perform(act, "250 2.0.0 Ok: queued as SINK1").await?;
        Ok(())
    }

    /// Does what the script says at `at`, else says `usual`. False if that was not the usual.
    async fn act(&mut self, at: At, usual: &str) -> Result<bool, Over> {
        let act = self.next(at);
        self.perform(act, usual).await
    }

    async fn perform(&mut self, act: Option<Act>, usual: &str) -> Result<bool, Over> {
        let Some(act) = act else {
            self.say(usual).await?;
            return Ok(true);
        };
        match act {
            Act::Say(text) => self.say(text).await?,
            Act::Bytes(bytes) => self.stream.write_all(&bytes).await?,
            Act::Close => return Err(Over::Closed),
            Act::Reset | Act::ResetAfter(_) => return Err(Over::Reset),
            Act::Late(wait) => {
                tokio::time::sleep(wait).await;
                self.say(usual).await?;
                return Ok(true);
            }
            Act::Hang => std::future::pending().await,
            Act::Babble => loop {
                self.stream.write_all(&[b'2'; 4096]).await?;
            },
        }
        Ok(false)
    }

    fn next(&self, at: At) -> Option<Act> {
        if let Some(acts) = self.shared.script.lock().unwrap().get_mut(&at)
            && !acts.is_empty()
        {
            return Some(acts.remove(0));
        }
        self.shared.always.lock().unwrap().get(&at).cloned()
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

/// A stream that can be reset.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    fn reset_on_drop(&self);
}

impl Stream for TcpStream {
    fn reset_on_drop(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for TlsStream<TcpStream> {
    fn reset_on_drop(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}
