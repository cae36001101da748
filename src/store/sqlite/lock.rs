//! Keeps a second process away from a database file.
//!
//! An advisory lock of the operating system on `FILE.lock`: it ends with the process, however that
//! ends, so nothing stale is ever left. The file itself stays; it holds the pid of who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store::OpenError;

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Locks `database`, or says who has it.
    pub(super) fn of(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database, ".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unopened(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(OpenError::InUse {
                    path: database.display().to_string(),
                    pid: pid.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unopened(&path, &error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| unopened(&path, &error))?;
        Ok(Self { _file: file })
    }
}

/// The file that goes with `database` and has its name with this ending.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Why a file cannot be used, in the words of the operating system.
pub(super) fn unopened(path: &Path, error: &std::io::Error) -> OpenError {
    let path = path.display().to_string();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull => {
            OpenError::ReadOnly { path, why: error.to_string() }
        }
        _ => OpenError::Unreachable(format!("{path}: {error}")),
    }
}
