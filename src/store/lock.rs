//! One process a data directory: whoever holds the lock file may write.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::error::Error;

/// The lock, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Makes the directory when it is missing (0700), then takes its lock without waiting.
    ///
    /// # Errors
    /// `Locked` when another process has it; `Unusable` when the directory or the file cannot be made.
    pub(super) fn take(directory: &Path) -> Result<Self, Error> {
        make_directory(directory)?;
        let path = directory.join("lock");
        let unusable = |cause| Error::unusable(&path, cause);
        let mut file = open_private(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { directory: directory.to_owned(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        write_pid(&mut file).map_err(unusable)?;
        Ok(Self { file })
    }
}

/// Closing the file alone would not do: a program that is just being started holds it too, from the moment it was split off
/// from this process until it becomes itself.
impl Drop for DirectoryLock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

fn make_directory(directory: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|cause| Error::unusable(directory, cause))
}

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_back_is_free_although_a_program_that_is_being_started_still_has_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::take(directory.path()).unwrap();
        let _of_a_child = lock.file.try_clone().unwrap();
        assert!(matches!(DirectoryLock::take(directory.path()), Err(Error::Locked { .. })));
        drop(lock);
        assert!(DirectoryLock::take(directory.path()).is_ok());
    }
}
