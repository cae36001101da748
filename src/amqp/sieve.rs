//! The way to a broker: TLS, if its address says so, and what takes out of the stream what a client must not see
//! ([`super::frames`]).
//!
//! The client connects to a port of this machine that takes one connection and is gone. Whoever else should be
//! quicker has a way to the broker, to which nobody has signed in.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lapin::uri::{AMQPScheme, AMQPUri};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::frames::{Beginning, beginning, mend};
use super::{ANSWER_WITHIN, Certificates, Trouble, named};

/// Opens a way to the broker at `uri`, and says at which port of this machine it begins.
pub(super) async fn open(uri: &AMQPUri, certificates: &Certificates) -> Result<u16, Trouble> {
    let away = |error: io::Error| Trouble::Away(error.to_string());
    let tls = match uri.scheme {
        AMQPScheme::AMQP => None,
        AMQPScheme::AMQPS => Some(config(certificates).map_err(Trouble::Refused)?),
    };
    let (host, port) = (uri.authority.host.as_str(), uri.authority.port);
    let reaching = async {
        let broker = TcpStream::connect((host, port)).await?;
        broker.set_nodelay(true)?;
        let Some(tls) = tls else { return Ok(Broker::Plain(broker)) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::new(tls))
            .connect(name, broker)
            .await
            .map(|broker| Broker::Tls(Box::new(broker)))
    };
    let late = |_| Trouble::Away(format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
    let broker = timeout(ANSWER_WITHIN, reaching).await.map_err(late)?.map_err(away)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(away)?;
    let port = listener.local_addr().map_err(away)?.port();
    tokio::spawn(async move {
        if let Ok(Ok((client, _))) = timeout(ANSWER_WITHIN, listener.accept()).await {
            drop(listener);
            let _ = client.set_nodelay(true);
            match broker {
                Broker::Plain(broker) => pass(client, broker).await,
                Broker::Tls(broker) => pass(client, *broker).await,
            }
        }
    });
    Ok(port)
}

/// Who is at the other end.
enum Broker {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// Until either of them has no more to say.
async fn pass(client: TcpStream, broker: impl AsyncRead + AsyncWrite) {
    let (mut from_broker, mut to_broker) = tokio::io::split(broker);
    let (mut from_client, mut to_client) = client.into_split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_broker) => {
            // What was said last is said, and then that it was the last.
            let _ = to_broker.shutdown().await;
        }
        _ = sift(&mut from_broker, &mut to_client) => {}
    }
}

async fn sift(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let (mut came, mut passed) = (Vec::with_capacity(64 << 10), Vec::new());
    while from.read_buf(&mut came).await? > 0 {
        let mut at = 0;
        loop {
            match beginning(&came[at..]) {
                Beginning::Frame(length) => {
                    mend(&came[at..at + length], &mut passed);
                    at += length;
                }
                Beginning::Part => break,
                Beginning::Strange => {
                    // Perhaps another version of the protocol: the client says it best.
                    to.write_all(&came[at..]).await?;
                    return copy(from, to).await.map(drop);
                }
            }
        }
        came.drain(..at);
        to.write_all(&passed).await?;
        passed.clear();
    }
    Ok(())
}

fn config(certificates: &Certificates) -> Result<ClientConfig, String> {
    let broken = |error: rustls::Error| format!("TLS cannot be spoken: {error}");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trusted = named(&certificates.ca_file).map(chain).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(trusted, Arc::clone(&provider)).map_err(broken)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((cert, key)) = named(&certificates.cert_file).zip(named(&certificates.key_file)) else {
        return Ok(config.with_no_client_auth());
    };
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error))?;
    config.with_client_auth_cert(chain(cert)?, key).map_err(broken)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unread(path, &error))?;
    certificates.collect::<Result<_, _>>().map_err(|error| unread(path, &error))
}

fn unread(path: &Path, error: &impl std::fmt::Display) -> String {
    format!("cannot read {}: {error}", PathBuf::from(path).display())
}
