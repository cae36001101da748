//! A way to a server that can be cut, and opened again, in the clear or with TLS. Whatever goes through it goes
//! byte for byte.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::tls;

/// Ends with this value, its connections too.
pub(crate) struct Front {
    port: u16,
    cut: Arc<AtomicBool>,
    connections: Arc<Mutex<JoinSet<()>>>,
    task: JoinHandle<()>,
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
        let connections: Arc<Mutex<JoinSet<()>>> = Arc::default();
        let task = tokio::spawn({
            let (cut, connections) = (Arc::clone(&cut), Arc::clone(&connections));
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let mut connections = connections.lock().unwrap();
                    if !cut.load(Ordering::SeqCst) {
                        connections.spawn(serve(client, server, tls.clone()));
                    }
                }
            }
        });
        Self { port, cut, connections, task }
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

    /// Whoever comes from now on gets through.
    pub(crate) fn restore(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

async fn serve(client: TcpStream, server: u16, tls: Option<TlsAcceptor>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    match tls {
        None => pass(client, server).await,
        Some(tls) => {
            if let Ok(client) = tls.accept(client).await {
                pass(client, server).await;
            }
        }
    }
}

async fn pass(mut client: impl AsyncRead + AsyncWrite + Unpin, mut server: TcpStream) {
    // Either side may go at any time.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
