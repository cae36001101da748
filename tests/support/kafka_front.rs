//! What stands before a broker in real clusters and the broker at hand cannot do: TLS, and a login
//! with name and password. Everything after that goes through byte for byte.

mod login;

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub(crate) use login::Login;

use super::tls;

#[derive(Clone, Default)]
struct Manners {
    /// Without one, clients talk in the clear.
    tls: Option<TlsAcceptor>,
    /// Without one, nobody has to log in.
    login: Option<Login>,
}

/// A way to the broker. Ends with this value, its connections too.
pub(crate) struct KafkaFront {
    port: u16,
    manners: Arc<Mutex<Manners>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for KafkaFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A front before there is a broker behind it: brokers are told at their start where they are.
pub(crate) struct Reserved(TcpListener);

impl Reserved {
    pub(crate) async fn port() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    pub(crate) fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub(crate) fn before(self, broker: u16) -> KafkaFront {
        let port = self.number();
        let manners = Arc::new(Mutex::new(Manners::default()));
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let heard = Arc::default();
        let task = tokio::spawn({
            let (manners, connections) = (Arc::clone(&manners), Arc::clone(&connections));
            let heard = Arc::clone(&heard);
            async move {
                while let Ok((client, _)) = self.0.accept().await {
                    let manners = manners.lock().unwrap().clone();
                    connections.lock().unwrap().spawn(serve(client, broker, manners, Arc::clone(&heard)));
                }
            }
        });
        KafkaFront { port, manners, connections, heard, task }
    }
}

impl KafkaFront {
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From now on, whoever comes is shown `tests/support/tls/CERTIFICATE.pem`.
    pub(crate) fn show(&self, certificate: &str) {
        self.manners.lock().unwrap().tls = Some(tls::acceptor(certificate));
        self.cut();
    }

    /// From now on, whoever comes has to log in like this.
    pub(crate) fn ask_for(&self, login: Login) {
        self.manners.lock().unwrap().login = Some(login);
        self.cut();
    }

    /// The first bytes of each connection, as they came over the wire.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }

    /// Ends all connections.
    fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

async fn serve(client: TcpStream, broker: u16, manners: Manners, heard: Arc<Mutex<Vec<Vec<u8>>>>) {
    client.set_nodelay(true).unwrap();
    let mut first = [0; 64];
    let Ok(length) = client.peek(&mut first).await else {
        return;
    };
    heard.lock().unwrap().push(first[..length].to_vec());
    let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)).await else {
        return;
    };
    broker.set_nodelay(true).unwrap();
    match manners.tls {
        None => pass(client, broker, manners.login).await,
        Some(tls) => {
            if let Ok(client) = tls.accept(client).await {
                pass(client, broker, manners.login).await;
            }
        }
    }
}

async fn pass(mut client: impl AsyncRead + AsyncWrite + Unpin, mut broker: TcpStream, login: Option<Login>) {
    let admitted = match login {
        None => true,
        Some(login) => login::admit(&mut client, &mut broker, &login).await.unwrap_or(false),
    };
    if admitted {
        // Either side may go at any time.
        let _ = copy_bidirectional(&mut client, &mut broker).await;
    }
}
