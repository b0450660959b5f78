//! How much room there is.

use std::{io, path::Path};

/// Bytes that files in a folder may still take; as many as there are numbers for, where the system does not tell.
///
/// # Errors
/// A folder that is not there.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let system = rustix::fs::statvfs(folder)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
    #[cfg(not(unix))]
    {
        folder.metadata()?;
        Ok(u64::MAX)
    }
}

/// Whether an error says that there is no room: on the disk, within a quota, or within the longest file that is allowed.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_told_of_folders_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(free_bytes(&folder.path().join("gone")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_without_room_is_full() {
        let error = std::fs::write("/dev/full", "x").unwrap_err();
        assert!(is_full(&error) && !is_full(&io::ErrorKind::NotFound.into()));
    }
}
