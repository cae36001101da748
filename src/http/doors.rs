//! Where requests come in: a TCP port, and a unix socket beside it.
//!
//! Whoever can open the socket may do everything: its permissions (0600: the user that Foghorn runs
//! as, and root) are the lock, and no browser can reach it. It is made under a name of its own and
//! then renamed, so that it is never there with other permissions, nor without somebody behind it.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net as blocking;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Somebody at this address.
    Address(SocketAddr),
    /// Somebody who may open the socket.
    Socket,
}

impl Peer {
    /// Its address; who opened the socket is on this machine.
    pub(super) fn ip(self) -> IpAddr {
        match self {
            Self::Address(address) => address.ip().to_canonical(),
            Self::Socket => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Is it on this machine?
    pub(super) fn is_local(self) -> bool {
        self.ip().is_loopback()
    }
}

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Everything that is listened on.
pub struct Doors {
    port: TcpListener,
    socket: Option<SocketFile>,
}

impl From<TcpListener> for Doors {
    fn from(port: TcpListener) -> Self {
        Self { port, socket: None }
    }
}

impl Doors {
    /// The port and, if there is one, the socket.
    pub fn new(port: TcpListener, socket: Option<SocketFile>) -> Self {
        Self { port, socket }
    }

    /// The next caller. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        let Some(socket) = &self.socket else {
            return self.by_port().await;
        };
        tokio::select! {
            accepted = self.by_port() => accepted,
            accepted = socket.listener.accept() => {
                let (stream, _) = accepted?;
                Ok((Box::new(stream), Peer::Socket))
            }
        }
    }

    async fn by_port(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        let (stream, address) = self.port.accept().await?;
        // Answers are small and complete: waiting for more to send along only delays them.
        let _ = stream.set_nodelay(true);
        Ok((Box::new(stream), Peer::Address(address)))
    }
}

/// A unix socket that is listened on. Dropped, its file is gone.
#[derive(Debug)]
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of its file: another one at the same path is somebody else's.
    file: (u64, u64),
}

impl SocketFile {
    /// Listens at `path`. A socket that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// Somebody listens there, something else than a socket is there, or it cannot be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        make_room(path)?;
        // The end of the path is as long as the usual name of the socket: addresses are short.
        let folder = path.with_file_name(format!(".s-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let bound = Self::bind_in(&folder, path);
        drop(fs::remove_dir_all(&folder));
        bound
    }

    fn bind_in(folder: &Path, path: &Path) -> io::Result<Self> {
        let fresh = folder.join("s");
        let listener = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
        let file = identity(&fresh)?;
        fs::rename(&fresh, path)?;
        Ok(Self { listener, path: path.to_owned(), file })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// What is at `path` may be replaced, or nothing is there.
fn make_room(path: &Path) -> io::Result<()> {
    let taken = |why: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => return taken("something is there that is no socket"),
        Ok(_) => {}
    }
    match blocking::UnixStream::connect(path) {
        // Its process is gone.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => taken("another process listens there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_private_and_gone_with_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("foghorn.sock");
        let socket = SocketFile::bind(&path).expect("bound");
        let mode = fs::symlink_metadata(&path).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(blocking::UnixStream::connect(&path).is_ok());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_one_is_replaced_and_a_live_one_and_a_file_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("foghorn.sock");
        drop(blocking::UnixListener::bind(&path).expect("bound"));
        assert!(path.exists(), "a plain listener leaves its file");
        let socket = SocketFile::bind(&path).expect("replaced");
        let second = SocketFile::bind(&path).expect_err("it is taken");
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        assert!(blocking::UnixStream::connect(&path).is_ok(), "the first one did not notice");

        fs::remove_file(&path).expect("removed");
        fs::write(&path, "a file").expect("written");
        assert!(SocketFile::bind(&path).is_err());
        drop(socket);
        assert_eq!(fs::read_to_string(&path).expect("not ours, so not removed"), "a file");
    }
}
