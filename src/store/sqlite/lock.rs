//! Keeps a second process away from a database file.
//!
//! An advisory lock of the operating system on `FILE.lock`: it ends with the process, however that
//! ends, so nothing stale is ever left. The file itself stays; it holds the pid of who has it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, fchown};
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
        match taken(&mut file).map_err(|error| unopened(&path, &error))? {
            None => {}
            Some(pid) => return Err(OpenError::InUse { path: database.display().to_string(), pid }),
        }
        // Made by root for a database of somebody else's, it would keep that one out.
        if let Ok(owner) = fs::metadata(database) {
            owned_like(&file, &owner).map_err(|error| unopened(&path, &error))?;
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| unopened(&path, &error))?;
        Ok(Self { _file: file })
    }
}

/// Takes the lock, or says who has it.
///
/// Whoever only looks has a share of it for a moment, which is waited for.
fn taken(file: &mut File) -> io::Result<Option<String>> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => return Ok(Some(written_in(file))),
        }
    }
}

fn written_in(file: &mut File) -> String {
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    pid.trim().to_owned()
}

/// The pid of the process that has `database` open, if one has. Nothing is made or kept.
pub(super) fn holder(database: &Path) -> Option<String> {
    let mut file = File::open(beside(database, ".lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(written_in(&mut file)),
        _ => None,
    }
}

/// Gives a file of ours to the owner of another one, if it is not theirs.
pub(super) fn owned_like(file: &File, like: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if own.uid() == like.uid() {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

/// The file that goes with `database` and has its name with this ending.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Why a file cannot be used, in the words of the operating system.
pub(super) fn unopened(path: &Path, error: &io::Error) -> OpenError {
    let path = path.display().to_string();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull => {
            OpenError::ReadOnly { path, why: error.to_string() }
        }
        _ => OpenError::Unreachable(format!("{path}: {error}")),
    }
}
