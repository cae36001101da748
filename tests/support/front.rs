//! A way to a server that can be cut, and opened again, in the clear or with TLS. Whatever goes through it goes
//! byte for byte.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::tls;

/// Ends with this value, its connections too.
pub(crate) struct Front {
    port: u16,
    cut: Arc<AtomicBool>,
    gulf: Arc<Gulf>,
    connections: Arc<Mutex<JoinSet<()>>>,
    task: JoinHandle<()>,
}

/// What clients say and the server never hears.
#[derive(Default)]
struct Gulf {
    open: AtomicBool,
    swallowed: AtomicUsize,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    /// A way to the server at this port.
    pub(crate) async fn before(server: u16) -> Self {
        Self::to(server, None).await
    }

    /// The same, for those who speak TLS; they are shown `tests/support/tls/CERTIFICATE.pem`.
    pub(crate) async fn showing(certificate: &str, server: u16) -> Self {
        Self::to(server, Some(tls::acceptor(certificate))).await
    }

    async fn to(server: u16, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let gulf = Arc::<Gulf>::default();
        let connections: Arc<Mutex<JoinSet<()>>> = Arc::default();
        let task = tokio::spawn({
            let (cut, gulf, connections) = (Arc::clone(&cut), Arc::clone(&gulf), Arc::clone(&connections));
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let mut connections = connections.lock().unwrap();
                    if !cut.load(Ordering::SeqCst) {
                        connections.spawn(serve(client, server, tls.clone(), Arc::clone(&gulf)));
                    }
                }
            }
        });
        Self { port, cut, gulf, connections, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections, and whoever comes from now on is sent away.
    pub(crate) fn cut(&self) {
        let mut connections = self.connections.lock().unwrap();
        self.cut.store(true, Ordering::SeqCst);
        connections.abort_all();
    }

    /// What clients say from now on gets lost on the way, and nobody notices.
    pub(crate) fn swallow(&self) {
        self.gulf.swallowed.store(0, Ordering::SeqCst);
        self.gulf.open.store(true, Ordering::SeqCst);
    }

    /// How many bytes got lost.
    pub(crate) fn swallowed(&self) -> usize {
        self.gulf.swallowed.load(Ordering::SeqCst)
    }

    /// Whoever comes from now on gets through.
    pub(crate) fn restore(&self) {
        self.gulf.open.store(false, Ordering::SeqCst);
        self.cut.store(false, Ordering::SeqCst);
    }
}

async fn serve(client: TcpStream, server: u16, tls: Option<TlsAcceptor>, gulf: Arc<Gulf>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    match tls {
        None => pass(client, server, &gulf).await,
        Some(tls) => {
            if let Ok(client) = tls.accept(client).await {
                pass(client, server, &gulf).await;
            }
        }
    }
}

/// Until both have no more to say, or one of them is gone.
async fn pass(client: impl AsyncRead + AsyncWrite, server: TcpStream, gulf: &Gulf) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut said = vec![0; 64 << 10];
        loop {
            let count = from_client.read(&mut said).await?;
            if count == 0 {
                return to_server.shutdown().await;
            }
            if gulf.open.load(Ordering::SeqCst) {
                gulf.swallowed.fetch_add(count, Ordering::SeqCst);
            } else {
                to_server.write_all(&said[..count]).await?;
            }
        }
    };
    let down = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    // Either side may go at any time.
    let _ = tokio::try_join!(up, down);
}
