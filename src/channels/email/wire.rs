//! The connection below lettre: our own socket, because lettre leaves Nagle's algorithm on and so
//! waits 40 ms for each mail, and our own TLS, so that STARTTLS happens before lettre sees anything.
//!
//! An answer may not be longer than [`LONGEST_ANSWER`]: lettre bounds it only line by line, and a
//! line has no end until the server sends one.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// Bytes of one answer.
const LONGEST_ANSWER: usize = 64 << 10;

/// A stream that lettre can speak SMTP over.
pub(super) struct Wire<S> {
    stream: S,
    peer: SocketAddr,
    /// Read before anything from `stream`: the greeting, if it was taken already.
    ahead: Vec<u8>,
    /// Bytes read since the last write.
    answer: usize,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, peer: SocketAddr) -> Self {
        Self::after_greeting(stream, peer, Vec::new())
    }

    /// A stream on which the server has already said `greeting`.
    pub(super) fn after_greeting(stream: S, peer: SocketAddr, greeting: Vec<u8>) -> Self {
        Self { stream, peer, ahead: greeting, answer: 0 }
    }
}

impl<S> fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ahead.is_empty() {
            let taken = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead[..taken]);
            this.ahead.drain(..taken);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.answer += buf.filled().len() - before;
        Poll::Ready(if this.answer > LONGEST_ANSWER { Err(too_long()) } else { Ok(()) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.answer = 0;
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// Why there is no STARTTLS.
#[derive(Debug)]
pub(super) enum NoStartTls {
    /// The connection broke, or what came is not SMTP.
    Lost(io::Error),
    /// The server said no.
    Refused(u16, String),
    /// It has none, or somebody in between took the offer out.
    NotOffered,
}

impl From<io::Error> for NoStartTls {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Brings `stream` to where TLS begins, and gives the greeting. Everything the server said up to
/// here can have been said by anybody: none of it is kept but the greeting's first line.
pub(super) async fn starttls(stream: &mut TcpStream, hello: &ClientId) -> Result<Vec<u8>, NoStartTls> {
    let greeting = Answer::read(stream).await?.expect(220)?;
    stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await?;
    let offers = Answer::read(stream).await?.expect(250)?;
    let is_starttls =
        |line: &str| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"));
    if !offers.lines().any(is_starttls) {
        return Err(NoStartTls::NotOffered);
    }
    stream.write_all(b"STARTTLS\r\n").await?;
    Answer::read(stream).await?.expect(220)?;
    let first = greeting.lines().next().unwrap_or_default();
    Ok(format!("220 {}\r\n", first.get(4..).unwrap_or_default()).into_bytes())
}

/// One answer, read so that not a byte after it is taken from the stream: what was sent in the
/// clear behind the answer to STARTTLS meets the TLS handshake, which fails over it.
struct Answer {
    code: u16,
    text: String,
}

impl Answer {
    async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            while !bytes[start..].ends_with(b"\n") {
                bytes.push(stream.read_u8().await?);
                if bytes.len() > LONGEST_ANSWER {
                    return Err(too_long());
                }
            }
            let line = &bytes[start..];
            let code = line.get(..3).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
            let Some(code) = code else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not an SMTP answer"));
            };
            if line.get(3) != Some(&b'-') {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(Self { code, text });
            }
        }
    }

    fn expect(self, code: u16) -> Result<String, NoStartTls> {
        if self.code == code {
            Ok(self.text)
        } else {
            let text = self.text.get(4..).unwrap_or_default().to_owned();
            Err(NoStartTls::Refused(self.code, text))
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server's answer does not end")
}
