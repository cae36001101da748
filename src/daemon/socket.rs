//! The unix socket beside the port, as the configuration wants it.

use super::serve::ServeError;
use crate::config::SocketPlace;
use crate::http::SocketFile;

/// Listens on the socket. One that nobody asked for may be missing: whatever is in its way, mail
/// goes out and the port answers.
pub(super) fn listen(place: &SocketPlace) -> Result<Option<SocketFile>, ServeError> {
    match place {
        SocketPlace::Off => Ok(None),
        SocketPlace::At(path) => {
            let bound = SocketFile::bind(path);
            bound.map(Some).map_err(|why| ServeError::Socket { path: path.clone(), why })
        }
        // A store that is elsewhere needs no folder here.
        SocketPlace::Usual(path) if !path.parent().is_some_and(std::path::Path::is_dir) => Ok(None),
        SocketPlace::Usual(path) => match SocketFile::bind(path) {
            Ok(socket) => Ok(Some(socket)),
            Err(why) => {
                let path = path.display();
                tracing::warn!(%path, %why, "no unix socket; commands on this machine use the port");
                Ok(None)
            }
        },
    }
}
