//! Where the unix socket is: for the process that makes it, and for commands that look for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::load::{Reading, defaults, find, without_mark, written};
use super::report::Report;
use super::settings::SocketPlace;
use super::tree::Table;

/// Its name in `[server] data_dir`.
const NAME: &str = "foghorn.sock";

/// `[http] socket`: a path, `"off"`, or empty for the usual place. What keeps nothing on disk has
/// none there.
pub(super) fn socket(tree: &Table) -> SocketPlace {
    match tree.table("http").text("socket").unwrap_or_default() {
        "off" => SocketPlace::Off,
        "" if tree.table("store").text("url") == Some("memory:") => SocketPlace::Off,
        "" => match tree.table("server").text("data_dir") {
            None | Some("") => SocketPlace::Off,
            Some(data_dir) => SocketPlace::Usual(Path::new(data_dir).join(NAME)),
        },
        path => SocketPlace::At(PathBuf::from(path)),
    }
}

/// Where the socket of the Foghorn is whose configuration would be found here. Nothing else of that
/// configuration is looked at: whoever asks may not be allowed to read its secrets.
pub fn usual_socket(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let found = find(None, env).ok()?;
    let text = without_mark(&found.text);
    let (tree, _) =
        written(&Reading::of(text, found.path.as_deref(), env), &mut Report::new(text, "")).ok()?;
    let mut whole = defaults();
    whole.lay(tree);
    match socket(&whole) {
        SocketPlace::Off => None,
        SocketPlace::Usual(path) | SocketPlace::At(path) => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> SocketPlace {
        let mut whole = defaults();
        whole.lay(
            written(&Reading::of(text, None, &BTreeMap::new()), &mut Report::new(text, "")).expect("TOML").0,
        );
        socket(&whole)
    }

    #[test]
    fn it_is_beside_the_data_unless_nothing_is_on_disk_or_somebody_says_otherwise() {
        assert_eq!(place(""), SocketPlace::Usual("/var/lib/foghorn/foghorn.sock".into()));
        assert_eq!(place("server.data_dir = '/srv'"), SocketPlace::Usual("/srv/foghorn.sock".into()));
        assert_eq!(place("store.url = 'memory:'"), SocketPlace::Off);
        assert_eq!(place("http.socket = 'off'"), SocketPlace::Off);
        let named = "http.socket = '/run/f.sock'\nstore.url = 'memory:'";
        assert_eq!(place(named), SocketPlace::At("/run/f.sock".into()));
    }
}
