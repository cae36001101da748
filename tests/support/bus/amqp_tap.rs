//! Listens in on a client of RabbitMQ: which messages it takes, and which it is done with. The broker tells
//! nobody how many are in hand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Everything goes through byte for byte.
pub(crate) struct AmqpTap {
    pub(crate) port: u16,
    done: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for AmqpTap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What came on one channel and is not answered.
type Open = Arc<Mutex<BTreeSet<(u16, u64)>>>;

/// Class and method, as the protocol numbers them.
const DELIVER: [u8; 4] = [0, 60, 0, 60];
const ACK: [u8; 4] = [0, 60, 0, 80];
const REJECT: [u8; 4] = [0, 60, 0, 90];

impl AmqpTap {
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let done = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&done);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, Arc::clone(&counted)));
            }
        });
        Self { port, done, task }
    }

    /// How many messages the broker need not keep any more.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: u16, done: Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let open = Open::default();
    let down = {
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            while let Some(frame) = frame(&mut from_server).await {
                if let Some((channel, arguments)) = method(&frame, DELIVER) {
                    let tag = 1 + usize::from(arguments[0]);
                    open.lock().await.insert((channel, number(&arguments[tag..])));
                }
                if to_client.write_all(&frame).await.is_err() {
                    return;
                }
            }
        })
    };
    // The first words of a client are no frame.
    let mut hello = [0; 8];
    if from_client.read_exact(&mut hello).await.is_ok() && to_server.write_all(&hello).await.is_ok() {
        answers(&mut from_client, &mut to_server, &open, &done).await;
    }
    // The broker is told at once that nobody is there any more.
    drop(to_server);
    down.abort();
}

async fn answers(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    open: &Open,
    done: &AtomicUsize,
) {
    while let Some(frame) = frame(client).await {
        let answered = match (method(&frame, ACK), method(&frame, REJECT)) {
            (Some((channel, arguments)), _) if arguments[8] == 1 => {
                let mut open = open.lock().await;
                let all = (channel, 0)..=(channel, number(arguments));
                let tags: Vec<_> = open.range(all).copied().collect();
                tags.iter().filter(|tag| open.remove(*tag)).count()
            }
            (Some((channel, arguments)), _) => {
                usize::from(open.lock().await.remove(&(channel, number(arguments))))
            }
            (_, Some((channel, arguments))) if arguments[8] == 0 => {
                usize::from(open.lock().await.remove(&(channel, number(arguments))))
            }
            _ => 0,
        };
        if server.write_all(&frame).await.is_err() {
            return;
        }
        done.fetch_add(answered, Ordering::SeqCst);
    }
}

/// Type, channel, size, so many bytes, and an end.
async fn frame(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut frame = vec![0; 7];
    from.read_exact(&mut frame).await.ok()?;
    let size = u32::from_be_bytes(frame[3..7].try_into().unwrap()) as usize;
    frame.resize(7 + size + 1, 0);
    from.read_exact(&mut frame[7..]).await.ok()?;
    Some(frame)
}

/// The channel and the arguments, if the frame is this method.
fn method(frame: &[u8], method: [u8; 4]) -> Option<(u16, &[u8])> {
    let is_it = frame[0] == 1 && frame.get(7..11) == Some(&method);
    is_it.then(|| (u16::from_be_bytes([frame[1], frame[2]]), &frame[11..]))
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}
