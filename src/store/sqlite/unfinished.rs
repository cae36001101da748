//! A file that gets its name when it is whole.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::lock::beside;
use crate::store::upkeep::UpkeepError;

/// Only its owner reads what people were told.
const MODE: u32 = 0o600;

/// Written under another name; gone with this value, unless it was finished.
pub(super) struct Unfinished {
    path: PathBuf,
    target: PathBuf,
    file: File,
}

impl Unfinished {
    /// An empty file beside `target`. What an earlier attempt left there is thrown away, unless it
    /// still goes on.
    pub(super) fn of(target: &Path) -> Result<Self, UpkeepError> {
        let path = beside(target, ".part");
        let begun = || -> io::Result<File> {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(MODE)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other("another copy is being written there"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            file.set_permissions(Permissions::from_mode(MODE))?;
            file.set_len(0)?;
            Ok(file)
        };
        let file = begun().map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, target: target.to_owned(), file })
    }

    /// Where it is until it is finished.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name, once it is on stable storage.
    pub(super) fn finish(self) -> Result<(), UpkeepError> {
        let folder = self.target.parent().unwrap_or(Path::new("/"));
        let finished = || {
            self.file.sync_all()?;
            fs::rename(&self.path, &self.target)?;
            synced(folder)
        };
        finished().map_err(|error| unwritable(&self.target, &error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After `finish` there is nothing of that name any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the names in a folder last.
pub(super) fn synced(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> UpkeepError {
    UpkeepError::Unwritable { path: path.to_owned(), why: error.to_string() }
}
